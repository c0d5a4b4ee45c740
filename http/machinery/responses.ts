/** From a Hono context to the engine and back: bodies in, encoded answers, Status errors, warnings, compression. */
import type { Context } from "hono";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type { AppEnvironment } from "../app.ts";
import type { Clock } from "../../ports/clock.ts";
import { answered, maxRequestBytes, type ServerEnvironment } from "../server/environment.ts";
import type { Api } from "./api.ts";
import type { ApiReply, ApiRequest, RequestBody } from "./api_request.ts";
import { contentType, encodeList, encodeObject, encodeValue, type EncodingContext } from "./encode_reply.ts";
import { badRequest, methodNotAllowed, tooManyBytes, warningsOf } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import { negotiate, type Representation } from "./negotiation.ts";
import { patchTypeOf } from "./patch_body.ts";
import { type RequestInfo, requestInfo } from "./request_info.ts";
import { deprecationWarnings } from "./resource_facts.ts";
import type { IncludeObject } from "./table.ts";
import type { Verb } from "./types.ts";
import { watchResponse } from "./watch_stream.ts";

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

function respond(status: number, body: Uint8Array | ReadableStream<Uint8Array>, type: string): Response {
  return new Response(body as BodyInit, {
    status,
    headers: { "content-type": type, "cache-control": "no-cache, private" },
  });
}

export function errorResponse(c: AppContext, error: unknown, report: (error: unknown) => void): Response {
  let status: Status;
  if (error instanceof ApiError) status = error.status;
  else {
    report(error);
    status =
      new ApiError(500, "InternalError", `Internal error occurred: ${(error as Error)?.message ?? error}`).status;
  }
  const yaml = (c.req.header("accept") ?? "").startsWith("application/yaml");
  const representation: Representation = yaml ? { ...plainJson, format: "yaml" } : plainJson;
  const response = respond(status.code ?? 500, encodeValue(status, representation), contentType(representation));
  const retry = status.details?.retryAfterSeconds;
  if (retry !== undefined && retry > 0) response.headers.set("retry-after", String(retry));
  return warned(response, warningsOf(error));
}

/** What every answer needs. */
export interface Serving {
  readonly api: Api;
  readonly metrics: Metrics;
  report(error: unknown): void;
  readonly connect: ConnectStream | undefined;
}

/** A request for a resource. */
export async function resourceResponse({ api, metrics, report, connect }: Serving, c: AppContext): Promise<Response> {
  const url = c.req.url;
  const mark = url.indexOf("?");
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  const info = requestInfo(c.req.method, c.req.path, query);
  let response: Response;
  try {
    if (info.resourceRequest && !served(api, info)) return notFoundPage();
    response = await answerResource(api, c, info, query, connect);
  } catch (error) {
    response = errorResponse(c, error, report);
  }
  if (response !== answered && response.status !== 415) warned(response, deprecationWarnings(info));
  metrics.request(info.verb, info.group, info.version, info.resource, response.status);
  return response;
}

/** Paths of groups that do not exist are nobody's; within a group the API itself says what is missing. */
function served({ registry }: Api, { group, version }: RequestInfo): boolean {
  return group === "" ? registry.inGroupVersion(group, version) !== undefined : registry.hasGroup(group);
}

async function answerResource(
  api: Api,
  c: AppContext,
  info: RequestInfo,
  query: URLSearchParams,
  connect: ConnectStream | undefined,
): Promise<Response> {
  const userAgent = c.req.header("user-agent") ?? "";
  const { rest, verb, ...attributes } = info;
  if (verb === "") throw methodNotAllowed();
  const writes = verb === "create" || verb === "update" || verb === "patch";
  const asked: ApiRequest = { ...attributes, verb: verb as Verb, query, user: c.var.user, userAgent };
  // Who may not is told so before anything else is looked at.
  await api.authorize({ ...info, user: c.var.user });
  const stream = api.registry.find(info.group, info.version, info.resource)?.subresources[info.subresource];
  const connects = stream !== undefined && stream.handle === undefined && isStream(info.subresource);
  const representation = connects ? plainJson : negotiate(c.req.header("accept") ?? "", query, userAgent);
  const body = (writes || verb === "delete" || verb === "deletecollection") && !connects
    ? await readBody(c)
    : undefined;
  const patchType = verb === "patch" && !connects ? patchTypeOf(c.req.header("content-type") ?? "") : undefined;
  const request: ApiRequest = {
    ...asked,
    ...(body === undefined ? {} : { body }),
    ...(patchType === undefined ? {} : { patchType }),
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
    now: () => api.clock.wallTime(),
    soon: (callback) => api.clock.soon(callback),
  };
  return await encoded(api, c, reply, context);
}

const streams = new Set(["exec", "attach", "portforward", "log", "proxy"]);

function isStream(subresource: string): boolean {
  return streams.has(subresource);
}

function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject");
  if (value === null || value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

async function readBody(c: AppContext): Promise<RequestBody> {
  const declared = Number(c.req.header("content-length") ?? "0");
  if (declared > maxRequestBytes) throw tooManyBytes(maxRequestBytes);
  const bytes = new Uint8Array(await c.req.raw.arrayBuffer());
  if (bytes.length > maxRequestBytes) throw tooManyBytes(maxRequestBytes);
  return { bytes, contentType: c.req.header("content-type") ?? "application/json" };
}

async function encoded(
  api: Api,
  c: AppContext,
  reply: Exclude<ApiReply, { type: "connect" }>,
  context: EncodingContext,
): Promise<Response> {
  const { representation } = context;
  const type = contentType(representation);
  switch (reply.type) {
    case "watch":
      return watchResponse(reply, context, c.env?.raw);
    case "list": {
      const body = encodeList(reply, context);
      if (body instanceof Uint8Array) return await compressed(c, 200, body, type);
      return respond(200, pieces(body, api.clock), type);
    }
    case "object": {
      const response = await compressed(c, reply.code, encodeObject(reply, context), type);
      return warned(response, reply.warnings);
    }
    case "value": {
      const plain: Representation = { ...representation, view: "plain" };
      return warned(respond(reply.code, encodeValue(reply.value, plain), type), reply.warnings);
    }
  }
}

function warned(response: Response, warnings: readonly string[]): Response {
  for (const text of new Set(warnings)) response.headers.append("warning", `299 - ${JSON.stringify(text)}`);
  return response;
}

async function compressed(c: AppContext, status: number, body: Uint8Array, type: string): Promise<Response> {
  if (body.length < compressFromBytes || !(c.req.header("accept-encoding") ?? "").includes("gzip")) {
    return respond(status, body, type);
  }
  const response = respond(status, await compress(body, { level: 1 }), type);
  response.headers.set("content-encoding", "gzip");
  response.headers.set("vary", "Accept-Encoding");
  return response;
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
