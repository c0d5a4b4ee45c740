/** From a Hono context to the engine and back: bodies in, encoded answers, Status errors, warnings, compression. */
import type { Context } from "hono";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type { AppEnvironment } from "../app.ts";
import type { Clock } from "../../ports/clock.ts";
import { answered, maxRequestBytes, type ServerEnvironment, type UpgradeOffer } from "../server/environment.ts";
import { lightResponse, type ResponseHeaders, withHeaders } from "../server/light_response.ts";
import type { Api } from "./api.ts";
import type { ApiReply, ApiRequest, RequestBody } from "./api_request.ts";
import type { FlowControl } from "../flow_control/flow_control.ts";
import { contentType, encodeList, encodeObject, encodeValue, type EncodingContext } from "./encode_reply.ts";
import { badRequest, methodNotAllowed, tooManyBytes, warningsOf } from "./errors.ts";
import { header } from "./header.ts";
import type { InFlight } from "./in_flight.ts";
import { isStream, lasts } from "./lasting.ts";
import type { Metrics } from "./metrics.ts";
import { formatOfRefusal, negotiate, type Representation } from "./negotiation.ts";
import { patchTypeOf } from "./patch_body.ts";
import { type RequestInfo, requestInfo } from "./request_info.ts";
import { deprecationWarnings } from "./resource_facts.ts";
import type { ProtobufForm } from "./schema_access.ts";
import { isSensitive, withoutText } from "./sensitive.ts";
import { type IncludeObject, tableOf } from "./table.ts";
import type { Resource, Verb } from "./types.ts";
import { warningHeaders } from "./warning_headers.ts";
import { watchOverSocket, watchResponse, type WatchSocket } from "./watch_stream.ts";

type AppContext = Context<AppEnvironment>;

/** Carries out an allowed request for a stream; `rest` is the path behind a proxy subresource. */
export type ConnectStream = (
  connection: { readonly request: ApiRequest; readonly rest: string; readonly http: Request },
  environment: Partial<ServerEnvironment>,
) => Promise<Response>;

const plainJson: Representation = { format: "json", view: "plain", pretty: false };
const compressFromBytes = 128 * 1024;
const compress = promisify(gzip) as (bytes: Uint8Array, options: { level: number }) => Promise<Uint8Array>;

export function notFoundPage(): Response {
  return new Response("404 page not found\n", {
    status: 404,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}

export function jsonResponse(c: AppContext, value: unknown): Response {
  return respond(200, encodeValue(value, plainJson), discoveryType(c, value));
}

/** A document of another group says so in its type. */
function discoveryType(_c: AppContext, value: unknown): string {
  return (value as { kind?: string }).kind === "APIGroupDiscoveryList"
    ? "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    : "application/json";
}

function respond(
  status: number,
  body: Uint8Array | ReadableStream<Uint8Array>,
  type: string,
  further?: ResponseHeaders,
): Response {
  const headers = { "content-type": type, "cache-control": "no-cache, private", ...further };
  if (body instanceof Uint8Array) return lightResponse(status, headers, body as Uint8Array<ArrayBuffer>);
  const response = new Response(body, { status });
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === "string" ? [value] : value) response.headers.append(name, one);
  }
  return response;
}

export function errorResponse(
  c: AppContext,
  error: unknown,
  { report, protobuf }: {
    /** Told of an error that is a bug. */
    readonly report: (error: unknown) => void;
    /** Where what was asked for can be written so. */
    readonly protobuf?: ProtobufForm | undefined;
  },
  warnings: readonly string[] = [],
): Response {
  let status: Status;
  if (error instanceof ApiError) status = error.status;
  else {
    report(error);
    status =
      new ApiError(500, "InternalError", `Internal error occurred: ${(error as Error)?.message ?? error}`).status;
  }
  c.env?.audit?.refused(status, !(error instanceof ApiError));
  const format = formatOfRefusal(header(c, "accept"), protobuf !== undefined);
  const representation: Representation = { ...plainJson, format };
  const retry = status.details?.retryAfterSeconds ?? 0;
  return respond(status.code ?? 500, encodeValue(status, representation, protobuf), contentType(representation), {
    ...(retry > 0 ? { "retry-after": String(retry) } : {}),
    ...warningHeaders([...warningsOf(error), ...(status.code === 415 ? [] : warnings)]),
  });
}

/** What every answer needs. */
export interface Serving {
  readonly api: Api;
  readonly metrics: Metrics;
  readonly inFlight: InFlight;
  /** Absent: requests are limited by their number alone. */
  readonly flows: FlowControl | undefined;
  report(error: unknown): void;
  readonly connect: ConnectStream | undefined;
  /** Turns the connection of a watch into a WebSocket. @throws ApiError 400 for an offer that cannot be taken */
  readonly acceptWatch: ((offer: UpgradeOffer) => Promise<WatchSocket>) | undefined;
}

const noQuery = new URLSearchParams();

/** A request for a resource. */
export async function resourceResponse(serving: Serving, c: AppContext): Promise<Response> {
  const { api, metrics, inFlight, flows, report } = serving;
  const url = c.req.url;
  const mark = url.indexOf("?");
  const query = mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1));
  const info = requestInfo(c.req.method, c.req.path, query);
  if (info.resourceRequest && !served(api, info)) return notFoundPage();
  const warnings = deprecationWarnings(info);
  const protobuf = protobufOf(api, info);
  const flow = lasts(info) ? undefined : flows?.flowOf(c.var.user, info);
  let response: Response;
  try {
    const work = () => answerResource(serving, c, { info, query, warnings, protobuf });
    if (lasts(info)) response = await work();
    else if (flow === undefined) response = await inFlight.run(reads.has(info.verb) ? "read" : "write", work);
    else response = await flows!.run(flow, seatsOf(api, info), () => inFlight.withinTime(work));
  } catch (error) {
    response = errorResponse(c, isSensitive(info) ? withoutText(error) : error, { report, protobuf }, warnings);
  }
  // What is no resource of ours is counted as one: names that clients think up must not fill the memory.
  const resource = api.registry.find(info.group, info.version, info.resource) === undefined ? "" : info.resource;
  metrics.request(info.verb, info.group, info.version, resource, response === answered ? 200 : response.status);
  return flow === undefined || response === answered ? response : withHeaders(response, flow.headers);
}

/** What the request is about, in protobuf, where that is offered: not for custom resources, but for their scale. */
function protobufOf({ registry, schema }: Api, info: RequestInfo): ProtobufForm | undefined {
  if (info.subresource === "scale") return schema.protobuf;
  return registry.find(info.group, info.version, info.resource)?.custom === true ? undefined : schema.protobuf;
}

const reads = new Set(["get", "list"]);
const objectsPerSeat = 100;
const mostSeats = 10;

/** What a request costs beside others: a list, by what is gone through for it. */
function seatsOf({ registry, cache }: Api, { verb, group, version, resource: plural }: RequestInfo): number {
  if (verb !== "list") return 1;
  const resource = registry.find(group, version, plural);
  const stored = resource === undefined ? undefined : cache.find(registry.storageOf(resource));
  return Math.max(1, Math.min(mostSeats, Math.ceil((stored?.count ?? 0) / objectsPerSeat)));
}

/** Paths of groups that do not exist are nobody's; within a group the API itself says what is missing. */
function served({ registry }: Api, { group, version }: RequestInfo): boolean {
  return group === "" ? registry.inGroupVersion(group, version) !== undefined : registry.hasGroup(group);
}

async function answerResource(
  { api, connect, acceptWatch }: Serving,
  c: AppContext,
  { info, query, warnings, protobuf }: {
    readonly info: RequestInfo;
    readonly query: URLSearchParams;
    readonly warnings: readonly string[];
    readonly protobuf: ProtobufForm | undefined;
  },
): Promise<Response> {
  const userAgent = header(c, "user-agent");
  const { user } = c.var;
  const { rest, verb, ...attributes } = info;
  if (verb === "") throw methodNotAllowed();
  const writes = verb === "create" || verb === "update" || verb === "patch";
  // Who may not is told so before anything else is looked at.
  const audit = c.env?.audit?.trail;
  await api.authorize({ ...info, user }, audit);
  const stream = api.registry.subresource(info);
  const connects = stream !== undefined && stream.handle === undefined && isStream(info.subresource);
  const representation = connects
    ? plainJson
    : negotiate(header(c, "accept"), query, userAgent, protobuf !== undefined);
  const body = (writes || verb === "delete" || verb === "deletecollection") && !connects
    ? await readBody(c)
    : undefined;
  const patchType = verb === "patch" && !connects ? patchTypeOf(header(c, "content-type")) : undefined;
  const request: ApiRequest = {
    ...attributes,
    verb: verb as Verb,
    query,
    user,
    userAgent,
    ...(body === undefined ? {} : { body }),
    ...(patchType === undefined ? {} : { patchType }),
    ...(audit === undefined ? {} : { audit }),
    ...(connects ? { rest } : {}),
  };
  const reply = await api.execute(request, true);
  if (reply.type === "connect") {
    if (connect === undefined) {
      throw new ApiError(501, "NotImplemented", `Cannot connect to ${info.path}: no streams here`);
    }
    return await connect({ request: reply.request, rest, http: c.req.raw }, c.env ?? {});
  }
  const context: EncodingContext = {
    representation,
    includeObject: includeObject(query),
    protobuf,
    now: () => api.clock.wallTime(),
    soon: (callback) => api.clock.soon(callback),
  };
  const { raw, upgrade } = c.env ?? {};
  if (reply.type === "watch" && upgrade?.protocol === "websocket" && acceptWatch !== undefined) {
    return watchOverSocket(reply, context, await acceptWatch(upgrade), (end) => raw?.onDraining(end));
  }
  return await encoded(api, c, reply, context, warnings);
}

function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject");
  if (value === null || value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

async function readBody(c: AppContext): Promise<RequestBody> {
  const declared = Number(header(c, "content-length"));
  if (declared > maxRequestBytes) throw tooManyBytes(maxRequestBytes);
  const bytes = await c.req.raw.bytes();
  if (bytes.length > maxRequestBytes) throw tooManyBytes(maxRequestBytes);
  return { bytes, contentType: header(c, "content-type") || "application/json" };
}

async function encoded(
  api: Api,
  c: AppContext,
  reply: Exclude<ApiReply, { type: "connect" }>,
  context: EncodingContext,
  warnings: readonly string[],
): Promise<Response> {
  const { representation } = context;
  const type = contentType(representation);
  switch (reply.type) {
    case "watch":
      return watchResponse(reply, context, c.env?.raw, { ...warningHeaders(warnings), ...c.env?.audit?.headers });
    case "list": {
      const body = await encodeList(reply, context);
      if (body instanceof Uint8Array) return await compressed(c, 200, body, type, warnings);
      return respond(200, pieces(body, api.clock), type, warningHeaders(warnings));
    }
    case "object":
      return await compressed(c, reply.code, encodeObject(reply, context), type, [...reply.warnings, ...warnings]);
    case "value": {
      const plain: Representation = { ...representation, view: "plain" };
      const told = warningHeaders([...reply.warnings, ...warnings]);
      const shown = reply.rowsOf !== undefined && representation.view === "Table"
        ? answeredTable(reply.rowsOf, reply.value, context)
        : reply.value;
      return respond(reply.code, encodeValue(shown, plain, context.protobuf), type, told);
    }
  }
}

function answeredTable(resource: Resource, value: unknown, { includeObject, now }: EncodingContext): unknown {
  const objects = (value as { items?: KubeObject[] }).items ?? [value as KubeObject];
  return tableOf(resource, objects.map((object) => ({ object })), {}, includeObject, now());
}

async function compressed(
  c: AppContext,
  status: number,
  body: Uint8Array,
  type: string,
  warnings: readonly string[],
): Promise<Response> {
  const told = warningHeaders(warnings);
  if (body.length < compressFromBytes || !header(c, "accept-encoding").includes("gzip")) {
    return respond(status, body, type, told);
  }
  const encoding = { "content-encoding": "gzip", "vary": "Accept-Encoding" };
  return respond(status, await compress(body, { level: 1 }), type, { ...encoding, ...told });
}

/** One piece per turn of the event loop. */
function pieces(generator: Generator<Uint8Array>, clock: Clock): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      await new Promise<void>((resolve) => clock.soon(resolve));
      const { done, value } = generator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}
