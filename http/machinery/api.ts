/**
 * The API without HTTP: a request whose user is known is authorized and carried out. `http/app.ts` enters here from the
 * network, `localClient` from inside the process, both with a user of their own.
 */
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Storage } from "../../ports/storage.ts";
import { auditedApi } from "../audit/audited_api.ts";
import type { Auditor } from "../audit/auditor.ts";
import type { AuditTrail } from "../audit/audit_trail.ts";
import { AdmissionChain } from "./admission_chain.ts";
import { type ApiReply, type ApiRequest, attributesOf } from "./api_request.ts";
import { create } from "./creating.ts";
import { remove, removeCollection } from "./deleting.ts";
import { type Engine, storageRefusal } from "./engine.ts";
import { forbidden, internal, methodNotAllowed, unknownResource } from "./errors.ts";
import { EventLeases } from "./event_leases.ts";
import { localClient } from "./local_client.ts";
import { patch } from "./patching.ts";
import { get, list } from "./reading.ts";
import { ResourceRegistry } from "./resource_registry.ts";
import type { SchemaAccess } from "./schema_access.ts";
import { convertViews, Unconverted } from "./stored_object.ts";
import { answer, subresource } from "./subresources.ts";
import type { AdmissionPlugin, Authorizer, RequestAttributes, Resource, UserInfo } from "./types.ts";
import { update } from "./updating.ts";
import { WatchCache } from "./watch_cache.ts";
import { watch } from "./watching.ts";

export interface ApiOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly resources: readonly Resource[];
  readonly schema: SchemaAccess;
  /** Made with the server's own client where they read the cluster's state. */
  readonly authorizer: Authorizer | ((client: ApiClient) => Authorizer);
  readonly admission:
    | readonly AdmissionPlugin[]
    | ((client: ApiClient, registry: ResourceRegistry) => readonly AdmissionPlugin[]);
  /** Of a store that encrypts: whether it would store what a key holds otherwise now. */
  readonly needsRewrite?: ((key: string) => Promise<boolean>) | undefined;
  /** Absent: nothing is audited. */
  readonly auditor?: Auditor | undefined;
  /** Told of each request that writes one object; what it answers is told what was written. Absent: nobody watches. */
  readonly began?: ((request: WriteRequest) => Written | undefined) | undefined;
}

export interface WriteRequest {
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** "" for one that is to be named. */
  readonly name: string;
  readonly user: string;
}

export type Written = (object: { readonly name: string; readonly uid?: string | undefined }) => void;

export interface Api {
  /** `authorized`: the caller has asked `authorize` already. @throws ApiError */
  execute(request: ApiRequest, authorized?: boolean): Promise<ApiReply>;
  /** @throws ApiError 403 */
  authorize(attributes: RequestAttributes, audit?: AuditTrail): Promise<void>;
  /** A client in this process that acts as `user`. */
  client(user: UserInfo): ApiClient;
  /** Loads the caches; requests are served after it. */
  start(): Promise<void>;
  readonly started: boolean;
  /**
   * Serves one more resource from now on (custom resources). Of several versions of the same objects the stored one comes
   * first, the others name it in `storedAs`.
   */
  addResource(resource: Resource): Promise<void>;
  /** Stops serving a resource; its objects stay in the store. */
  removeResource(resource: Resource): void;
  /** Ends every watch and stops following the store. */
  close(): void;
  readonly registry: ResourceRegistry;
  readonly schema: SchemaAccess;
  readonly cache: WatchCache;
  readonly clock: Clock;
}

/** Who the server itself is (kube-apiserver's loopback user). */
export const serverUser: UserInfo = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

export function createApi(options: ApiOptions): Api {
  const { storage, clock, random, schema } = options;
  const registry = new ResourceRegistry(options.resources);
  const cache = new WatchCache({ storage, clock, resources: registry.all().filter(isKept) });
  const admission = new AdmissionChain();
  const leases = new EventLeases(storage, clock);
  let started = false;

  const authorize = async (attributes: RequestAttributes, audit?: AuditTrail): Promise<void> => {
    const decision = await authorizer.authorize(attributes);
    audit?.decided(decision);
    if (!decision.allowed) throw refusal(attributes, decision.reason);
  };
  const api: Api = {
    async execute(request, authorized = false) {
      const { audit } = request;
      const written = changing.has(request.verb) ? options.began?.(writeOf(request)) : undefined;
      if (!authorized && request.user !== serverUser) await authorize(attributesOf(request), audit);
      try {
        const reply = await run(engine, request);
        audit?.replied(reply);
        written?.(writtenBy(request, reply));
        return reply;
      } catch (error) {
        if (!(error instanceof Unconverted)) throw storageRefusal(error);
        const reply = await runConverted(engine, request, error);
        audit?.replied(reply);
        written?.(writtenBy(request, reply));
        return reply;
      }
    },
    authorize,
    client: (user) => localClient(audited, user),
    async start() {
      await cache.start();
      started = true;
    },
    async addResource(resource) {
      if (isKept(resource)) await cache.add(resource);
      registry.add(resource);
    },
    removeResource(resource) {
      registry.remove(resource);
      if (isKept(resource)) cache.remove(resource);
    },
    get started() {
      return started;
    },
    close: () => cache.close(),
    registry,
    schema,
    cache,
    clock,
  };
  const audited = auditedApi(api, options.auditor);
  const client = localClient(audited, serverUser);
  const { needsRewrite } = options;
  const engine: Engine = { needsRewrite, storage, clock, random, cache, registry, schema, admission, leases, client };
  const authorizer = typeof options.authorizer === "function" ? options.authorizer(client) : options.authorizer;
  admission.use(typeof options.admission === "function" ? options.admission(client, registry) : options.admission);
  return api;
}

const changing = new Set<string>(["create", "update", "patch", "delete"]);

function writeOf({ verb, resource, subresource, namespace, name, user }: ApiRequest): WriteRequest {
  return { verb, resource, subresource, namespace, name, user: user.name };
}

/** Which object it was: one without a name got one, and what is no object (a binding's answer) has no uid. */
function writtenBy({ name }: ApiRequest, reply: ApiReply): Parameters<Written>[0] {
  if (reply.type !== "object") return { name };
  const { metadata } = reply.entry.object;
  return { name: metadata.name, uid: metadata.uid };
}

/** Whether the resource's own form is what is stored; what is only answered (reviews, bindings) is not. */
function isKept({ verbs, answer, storedAs }: Resource): boolean {
  return answer === undefined && storedAs === undefined && (verbs.includes("get") || verbs.includes("list"));
}

async function run(engine: Engine, asked: ApiRequest): Promise<ApiReply> {
  const resource = engine.registry.find(asked.group, asked.version, asked.resource);
  if (resource === undefined) throw unknownResource();
  const request = placed(resource, asked);
  if (request.subresource !== "") return await subresource(engine, resource, request);
  if (!resource.verbs.includes(request.verb)) throw methodNotAllowed();
  if (resource.answer !== undefined) return await answer(engine, resource, request);
  switch (request.verb) {
    case "get":
      return await get(engine, resource, request);
    case "list":
      return await list(engine, resource, request);
    case "watch":
      return await watch(engine, resource, request);
    case "create":
      return await create(engine, resource, request);
    case "update":
      return await update(engine, resource, request);
    case "patch":
      return await patch(engine, resource, request);
    case "delete":
      return await remove(engine, resource, request);
    case "deletecollection":
      return await removeCollection(engine, resource, request);
    case "connect":
      throw methodNotAllowed();
  }
}

const maxConversions = 100;

/** Has converted what the request has to see, and runs it again: nothing is written before everything is seen. */
async function runConverted(engine: Engine, request: ApiRequest, first: Unconverted): Promise<ApiReply> {
  let missing = first;
  for (let attempt = 0; attempt < maxConversions; attempt++) {
    const { entry, resource } = missing;
    const all = request.name === "" && request.verb !== "create"
      ? engine.cache.of(engine.registry.storageOf(resource)).list(request.namespace)
      : [];
    await convertViews([...new Set([...all, entry])], resource);
    try {
      return await run(engine, request);
    } catch (error) {
      if (!(error instanceof Unconverted)) throw storageRefusal(error);
      missing = error;
    }
  }
  throw internal(`objects of ${missing.resource.resource} change faster than they are converted`);
}

const onCollections = new Set<string>(["list", "watch", "create", "deletecollection"]);

/** The request with the place that its resource really has. @throws ApiError 404, 405 for a URL that cannot be. */
function placed(resource: Resource, request: ApiRequest): ApiRequest {
  const { verb, namespace, name, subresource } = request;
  const onCollection = onCollections.has(verb) && subresource === "";
  if (!onCollection && name === "") throw methodNotAllowed();
  if (verb === "create" && subresource === "" && name !== "") throw methodNotAllowed();
  if (resource.namespaced) {
    if (namespace !== "" || verb === "list" || verb === "watch") return request;
    throw onCollection ? methodNotAllowed() : unknownResource();
  }
  if (namespace === "") return request;
  // A namespace is addressed as itself, which the URL's rules read as its own namespace too. Not so the others "in" it:
  // whoever may do everything in one namespace was asked about that one alone.
  const isItself = resource.group === "" && resource.resource === "namespaces" && namespace === name && !onCollection;
  if (isItself) return { ...request, namespace: "" };
  throw unknownResource();
}

function refusal(attributes: RequestAttributes, reason: string): ApiError {
  const { user, verb, path, group, resource, subresource, namespace, name, resourceRequest } = attributes;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  const why = reason === "" ? "" : `: ${reason}`;
  if (!resourceRequest) {
    return new ApiError(403, "Forbidden", `forbidden: ${who} path ${JSON.stringify(path)}${why}`, {});
  }
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const text = `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}${why}`;
  return forbidden({ group, resource }, name, text);
}
