/** The API over HTTPS, for who is in a process of its own: a client certificate or a token, and any of the masters. */
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

export interface HttpClientOptions extends Identity {
  /** `https://host:port`, tried in turn when one does not answer. */
  readonly servers: readonly string[];
}

/** Who asks, and whom it believes. */
export interface Identity {
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

/** Which servers a request may go to. */
export interface Route {
  /** The first that answers is asked. */
  servers(): readonly string[];
  /** A request did not get through, or was told that it cannot be served. */
  failed(server: string): void;
}

/** Servers that do not change: who fails is asked last the next time. */
export function httpClient({ servers, ...identity }: HttpClientOptions): ApiClient & { close(): void } {
  let first = 0;
  return new HttpClient(identity, {
    servers: () => servers.map((_, at) => servers[(first + at) % servers.length]!),
    failed: (server) => first = servers.indexOf(server) + 1,
  });
}

/** What is open to one server. */
interface Line {
  readonly http: Deno.HttpClient;
  readonly cut: AbortController;
}

export class HttpClient implements ApiClient {
  readonly #lines = new Map<string, Line>();

  constructor(readonly identity: Identity, readonly route: Route) {}

  close(): void {
    for (const server of [...this.#lines.keys()]) this.drop(server);
  }

  /** Ends everything that is open to a server; the next request to it connects anew. */
  drop(server: string): void {
    const line = this.#lines.get(server);
    if (line === undefined) return;
    this.#lines.delete(server);
    line.cut.abort(new Error("it was given up"));
    line.http.close();
  }

  /** One question to this very server, over the connection that its requests use. */
  ask(server: string, path: string, signal: AbortSignal): Promise<Response> {
    return this.#fetch(server, path, { headers: this.#headers(), signal });
  }

  #line(server: string): Line {
    const open = this.#lines.get(server);
    if (open !== undefined) return open;
    const { authority, certificate } = this.identity;
    const line = {
      http: Deno.createHttpClient({
        caCerts: [authority],
        ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
        http2: true,
      }),
      cut: new AbortController(),
    };
    this.#lines.set(server, line);
    return line;
  }

  #fetch(server: string, path: string, { signal, ...init }: RequestInit): Promise<Response> {
    const { http, cut } = this.#line(server);
    const ends = signal == null ? cut.signal : AbortSignal.any([signal, cut.signal]);
    return fetch(`${server}${path}`, { ...init, client: http, signal: ends });
  }

  #headers(): Record<string, string> {
    const { token, userAgent } = this.identity;
    return {
      accept: "application/json",
      "user-agent": userAgent,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
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
    const parameters = new URLSearchParams(query).toString();
    const target = `${path}${parameters === "" ? "" : `?${parameters}`}`;
    const headers = this.#headers();
    if (body !== undefined) headers["content-type"] = contentType ?? "application/json";
    const init = {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    let unreached: unknown;
    for (const server of this.route.servers()) {
      try {
        const response = await this.#fetch(server, target, init);
        if (response.status === 503) this.route.failed(server);
        return response;
      } catch (error) {
        if (signal?.aborted) throw error;
        this.route.failed(server);
        unreached = new ApiError(
          503,
          "ServiceUnavailable",
          `Cannot reach the API server at ${server}: ${(error as Error).message}`,
        );
        if (method !== "GET" && !isRefused(error)) throw unreached;
      }
    }
    throw unreached;
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
