/**
 * The API as a component in the same process uses it: below authentication, above authorization and admission. Objects
 * are shared and frozen; nothing is serialised on the way.
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type {
  ApiClient,
  DeleteOptions,
  ListOptions,
  PatchType,
  ResourceRef,
  Watch,
  WriteOptions,
} from "../../ports/api_client.ts";
import type { Api } from "./api.ts";
import type { ApiReply, ApiRequest, WatchHandle } from "./api_request.ts";
import type { UserInfo, Verb } from "./types.ts";

export function localClient(api: Pick<Api, "execute">, user: UserInfo): ApiClient {
  // `system:kube-scheduler` writes as `kube-scheduler`.
  const userAgent = user.name.split(":").at(-1) ?? "";
  const request = (
    verb: Verb,
    ref: ResourceRef,
    namespace: string | undefined,
    name: string,
    rest: Partial<ApiRequest> = {},
  ): ApiRequest => ({
    verb,
    group: ref.group,
    version: ref.version,
    resource: ref.resource,
    subresource: "",
    namespace: namespace ?? "",
    name,
    path: "",
    query: new URLSearchParams(),
    user,
    userAgent,
    ...rest,
  });
  const one = async <T>(pending: ApiRequest): Promise<T> => objectOf(await api.execute(pending)) as T;

  return {
    get: (ref, namespace, name) => one(request("get", ref, namespace, name)),
    async list<T>(ref: ResourceRef, options: ListOptions = {}) {
      const reply = await api.execute(request("list", ref, options.namespace, "", { query: listQuery(options) }));
      if (reply.type !== "list") throw new Error(`Cannot list ${ref.resource}: the answer is a ${reply.type}`);
      return {
        items: reply.entries.map((entry) => entry.frozen as T),
        resourceVersion: reply.resourceVersion,
        ...(reply.continue === undefined ? {} : { continue: reply.continue }),
      };
    },
    watch(ref, options, sink): Watch {
      let cancelled = false;
      let handle: WatchHandle | undefined;
      const query = listQuery(options);
      query.set("allowWatchBookmarks", "true");
      api.execute(request("watch", ref, options.namespace, "", { query })).then((reply) => {
        if (cancelled) return;
        if (reply.type !== "watch") throw new Error(`Cannot watch ${ref.resource}: the answer is a ${reply.type}`);
        handle = reply.open({
          items: (batch) => {
            if (cancelled) return;
            sink.events(batch.map(({ type, entry }) => ({ type, object: entry.frozen as never })));
          },
          bookmark: (revision) => {
            if (!cancelled) sink.events([{ type: "BOOKMARK", resourceVersion: String(revision) }]);
          },
          closed: (status) => {
            if (!cancelled) sink.closed(status);
          },
        });
      }).catch((error: unknown) => {
        if (cancelled) return;
        const known = error instanceof ApiError ? error : new ApiError(500, "InternalError", String(error));
        sink.closed(known.status);
      });
      return {
        cancel() {
          cancelled = true;
          handle?.cancel();
        },
      };
    },
    create: (ref, namespace, object, options = {}) =>
      one(request("create", ref, namespace, options.name ?? "", { ...writing(options), body: { value: object } })),
    update: (ref, object, options = {}) => {
      const { metadata } = object as KubeObject;
      const rest = { ...writing(options), body: { value: object } };
      return one(request("update", ref, metadata.namespace, metadata.name, rest));
    },
    patch: (
      ref: ResourceRef,
      namespace: string | undefined,
      name: string,
      patchType: PatchType,
      body: unknown,
      options: WriteOptions & { readonly force?: boolean } = {},
    ) => {
      const rest = writing(options);
      if (options.force !== undefined) rest.query.set("force", String(options.force));
      if (patchType === "apply" && options.fieldManager === undefined) rest.query.set("fieldManager", userAgent);
      return one(request("patch", ref, namespace, name, { ...rest, patchType, body: { value: body } }));
    },
    delete: (ref, namespace, name, options = {}) =>
      one(request("delete", ref, namespace, name, { body: { value: options satisfies DeleteOptions } })),
    async deleteCollection(ref, options = {}) {
      const { gracePeriodSeconds, propagationPolicy, preconditions, ...filter } = options;
      const value = {
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
        ...(preconditions === undefined ? {} : { preconditions }),
      };
      const rest = { query: listQuery(filter), body: { value } };
      await api.execute(request("deletecollection", ref, options.namespace, "", rest));
    },
  };
}

function objectOf(reply: ApiReply): unknown {
  if (reply.type === "object") return reply.entry.frozen;
  if (reply.type === "value") return reply.value;
  throw new Error(`Cannot hand out an object: the answer is a ${reply.type}`);
}

function writing({ subresource, dryRun, fieldManager }: WriteOptions): { query: URLSearchParams; subresource: string } {
  const query = new URLSearchParams();
  if (dryRun === true) query.set("dryRun", "All");
  if (fieldManager !== undefined) query.set("fieldManager", fieldManager);
  return { query, subresource: subresource ?? "" };
}

function listQuery(options: ListOptions): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ["labelSelector", "fieldSelector", "resourceVersion", "continue"] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  if (options.limit !== undefined) query.set("limit", String(options.limit));
  return query;
}
