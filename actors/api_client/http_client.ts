/** The API over HTTPS, for components in processes of their own: a client certificate or a token, and any of the masters. */
import type { KubeObject } from "../../machines/objects/object.ts";
import { deepFreeze } from "../../machines/objects/json.ts";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type {
  ApiClient,
  ApiWatchSink,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchType,
  ResourceRef,
  Watch,
  WatchEvent,
} from "../../ports/api_client.ts";

export interface HttpClientOptions {
  /** `https://host:port`, tried in turn when one does not answer. */
  readonly servers: readonly string[];
  /** PEM of the CA that signed the servers' certificates. */
  readonly authority: string;
  readonly certificate?: { readonly certificate: string; readonly key: string };
  readonly token?: string;
  readonly userAgent: string;
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

export function httpClient(options: HttpClientOptions): ApiClient & { close(): void } {
  return new HttpClient(options);
}

class HttpClient implements ApiClient {
  readonly #options: HttpClientOptions;
  readonly #http: Deno.HttpClient;
  #server = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { certificate } = options;
    this.#http = Deno.createHttpClient({
      caCerts: [options.authority],
      ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
      http2: true,
    });
  }

  close(): void {
    this.#http.close();
  }

  get<T>(resource: ResourceRef, namespace: string | undefined, name: string): Promise<T> {
    return this.#object("GET", path(resource, namespace, name));
  }

  async list<T>(resource: ResourceRef, options: ListOptions = {}): Promise<ObjectList<T>> {
    type Answer = {
      apiVersion: string;
      kind: string;
      items?: T[];
      metadata: { resourceVersion: string; continue?: string };
    };
    const list = await this.#object<Answer>("GET", path(resource, options.namespace), { query: listQuery(options) });
    const kind = list.kind.replace(/List$/, "");
    const items = (list.items ?? []).map((item) => deepFreeze({ apiVersion: list.apiVersion, kind, ...item }));
    const { resourceVersion, continue: more } = list.metadata;
    return { items, resourceVersion, ...(more ? { continue: more } : {}) };
  }

  watch<T>(resource: ResourceRef, options: ListOptions, sink: ApiWatchSink<T>): Watch {
    const controller = new AbortController();
    const query = { ...listQuery(options), watch: "true", allowWatchBookmarks: "true" };
    this.#follow(path(resource, options.namespace), query, controller.signal, sink).then(
      (status) => controller.signal.aborted || sink.closed(status),
      (error) => controller.signal.aborted || sink.closed(error instanceof ApiError ? error.status : undefined),
    );
    return { cancel: () => controller.abort() };
  }

  create<T>(
    resource: ResourceRef,
    namespace: string | undefined,
    object: object,
    options: Parameters<ApiClient["create"]>[3] = {},
  ): Promise<T> {
    return this.#object("POST", path(resource, namespace, options.name, options.subresource), {
      body: object,
      ...signalOf(options),
      query: writeQuery(options),
    });
  }

  update<T>(resource: ResourceRef, object: object, options: Parameters<ApiClient["update"]>[2] = {}): Promise<T> {
    const { name, namespace } = (object as KubeObject).metadata;
    return this.#object("PUT", path(resource, namespace, name, options.subresource), {
      body: object,
      ...signalOf(options),
      query: writeQuery(options),
    });
  }

  patch<T>(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    body: unknown,
    options: Parameters<ApiClient["patch"]>[5] = {},
  ): Promise<T> {
    return this.#object("PATCH", path(resource, namespace, name, options.subresource), {
      body,
      contentType: patchTypes[type],
      ...signalOf(options),
      query: { ...writeQuery(options), ...(options.force ? { force: "true" } : {}) },
    });
  }

  delete(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<unknown> {
    return this.#object("DELETE", path(resource, namespace, name), { body: deleteBody(options) });
  }

  async deleteCollection(resource: ResourceRef, options: ListOptions & DeleteOptions = {}): Promise<void> {
    const { gracePeriodSeconds, propagationPolicy, preconditions, ...list } = options;
    const body = deleteBody({
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(preconditions === undefined ? {} : { preconditions }),
    });
    await this.#object("DELETE", path(resource, list.namespace), { query: listQuery(list), body });
  }

  async #object<T>(method: string, path: string, request: HttpRequest = {}): Promise<T> {
    const response = await this.#send(method, path, request);
    const text = await response.text();
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new ApiError(response.status, "InternalError", text.slice(0, 1000) || `HTTP ${response.status}`);
    }
    if (!response.ok) throw ApiError.from(answer as Status);
    return deepFreeze(answer) as T;
  }

  /** Tries each server once: a connection that is refused has changed nothing. */
  async #send(method: string, path: string, { query = {}, body, contentType, signal }: HttpRequest): Promise<Response> {
    const { servers, token, userAgent } = this.#options;
    const parameters = new URLSearchParams(query).toString();
    const headers: Record<string, string> = { accept: "application/json", "user-agent": userAgent };
    if (body !== undefined) headers["content-type"] = contentType ?? "application/json";
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    for (let attempt = 0;; attempt++) {
      const server = servers[this.#server % servers.length] ?? "";
      try {
        return await fetch(`${server}${path}${parameters === "" ? "" : `?${parameters}`}`, {
          method,
          headers,
          client: this.#http,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(signal === undefined ? {} : { signal }),
        });
      } catch (error) {
        if (signal?.aborted) throw error;
        this.#server++;
        const mayRepeat = method === "GET" || isRefused(error);
        if (!mayRepeat || attempt + 1 >= servers.length) {
          throw new ApiError(
            503,
            "ServiceUnavailable",
            `Cannot reach the API server at ${server}: ${(error as Error).message}`,
          );
        }
      }
    }
  }

  async #follow<T>(
    path: string,
    query: Record<string, string>,
    signal: AbortSignal,
    sink: ApiWatchSink<T>,
  ): Promise<Status | undefined> {
    const response = await this.#send("GET", path, { query, signal });
    if (!response.ok) throw ApiError.from(await response.json());
    if (response.body === null) return undefined;
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const batch: WatchEvent<T>[] = [];
      for (const line of lines) {
        if (line === "") continue;
        const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
        if (type === "ERROR") {
          if (batch.length > 0) sink.events(batch);
          return object as unknown as Status;
        }
        batch.push(
          type === "BOOKMARK"
            ? { type, resourceVersion: object.metadata.resourceVersion }
            : { type: type as "ADDED", object: deepFreeze(object) as T },
        );
      }
      if (batch.length > 0 && !signal.aborted) sink.events(batch);
    }
    return undefined;
  }
}

interface HttpRequest {
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

function path(
  { group, version, resource }: ResourceRef,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const parts = group === "" ? ["api", version] : ["apis", group, version];
  if (namespace !== undefined && namespace !== "") parts.push("namespaces", namespace);
  parts.push(resource);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

function listQuery(options: ListOptions): Record<string, string> {
  const { namespace: _, limit, ...texts } = options;
  const query = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(query), ...(limit === undefined ? {} : { limit: String(limit) }) };
}

function writeQuery({ dryRun, fieldManager }: { dryRun?: boolean; fieldManager?: string }): Record<string, string> {
  return { ...(dryRun ? { dryRun: "All" } : {}), ...(fieldManager === undefined ? {} : { fieldManager }) };
}

function signalOf({ signal }: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function deleteBody(options: DeleteOptions): object {
  return { kind: "DeleteOptions", apiVersion: "v1", ...options };
}

function isRefused(error: unknown): boolean {
  return /connection refused|ECONNREFUSED|client error \(Connect\)/i.test(String(error));
}
