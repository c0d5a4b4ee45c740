/** An API server's storage in memory: enough of the real one for components under test. Objects handed out are frozen. */
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type {
  ApiClient,
  ApiWatchSink,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchType,
  ResourceRef,
  Watch,
  WriteOptions,
} from "../../ports/api_client.ts";

interface Watching {
  readonly resource: string;
  readonly options: ListOptions;
  readonly sink: ApiWatchSink<KubeObject>;
}

type Json = Record<string, unknown>;

/** Lists that are merged by a key when a strategic patch is applied; the others are replaced. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: "type",
  containers: "name",
  podIPs: "ip",
  hostIPs: "ip",
};

export class FakeApi implements ApiClient {
  #objects = new Map<string, KubeObject>();
  #watches = new Set<Watching>();
  #revision = 1;
  #uid = 0;
  /** Every write, as `verb resource/subresource ns/name`. */
  readonly writes: string[] = [];
  /** Set to make calls fail: called with the same text before every write. */
  refuse: ((write: string) => Error | undefined) | undefined;

  // deno-lint-ignore require-await
  async get<T>(resource: ResourceRef, namespace: string | undefined, name: string): Promise<T> {
    return this.#get(resource, namespace, name) as T;
  }

  // deno-lint-ignore require-await
  async list<T>(resource: ResourceRef, options: ListOptions = {}): Promise<ObjectList<T>> {
    const items = [...this.#objects].filter(([key, object]) =>
      key.startsWith(`${resource.resource}/`) && matches(object, options)
    ).map(([, object]) => object as T);
    return { items, resourceVersion: String(this.#revision) };
  }

  watch<T>(resource: ResourceRef, options: ListOptions, sink: ApiWatchSink<T>): Watch {
    const watching = { resource: resource.resource, options, sink: sink as unknown as ApiWatchSink<KubeObject> };
    this.#watches.add(watching);
    // What happened between the list and now.
    const since = Number(options.resourceVersion ?? this.#revision);
    const missed = [...this.#objects].filter(([key, object]) =>
      key.startsWith(`${resource.resource}/`) && Number(object.metadata.resourceVersion) > since &&
      matches(object, options)
    );
    if (missed.length > 0) sink.events(missed.map(([, object]) => ({ type: "MODIFIED", object: object as T })));
    return { cancel: () => void this.#watches.delete(watching) };
  }

  // deno-lint-ignore require-await
  async create<T>(
    resource: ResourceRef,
    namespace: string | undefined,
    object: object,
    options: WriteOptions & { name?: string } = {},
  ): Promise<T> {
    if (options.subresource === "token") return this.#token(object) as T;
    const draft = structuredClone(object) as KubeObject;
    const name = draft.metadata.name ?? `${draft.metadata.generateName}${++this.#uid}`;
    this.#allow(`create ${resource.resource} ${namespace ?? "-"}/${name}`);
    const key = keyFor(resource, namespace, name);
    if (this.#objects.has(key)) {
      throw new ApiError(409, "AlreadyExists", `${resource.resource} "${name}" already exists`);
    }
    draft.metadata = {
      ...draft.metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: draft.metadata.uid ?? `uid-${++this.#uid}-${crypto.randomUUID().slice(0, 8)}`,
      creationTimestamp: new Date().toISOString().replace(/\.\d+/, ""),
      ...(resource.resource === "pods" ? { generation: 1 } : {}),
    };
    return this.#store(resource, key, draft, "ADDED") as T;
  }

  // deno-lint-ignore require-await
  async update<T>(resource: ResourceRef, object: object, _options: WriteOptions = {}): Promise<T> {
    const next = structuredClone(object) as KubeObject;
    const { namespace, name, resourceVersion } = next.metadata;
    this.#allow(`update ${resource.resource} ${namespace ?? "-"}/${name}`);
    const before = this.#get(resource, namespace, name);
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw new ApiError(
        409,
        "Conflict",
        `the object has been modified; please apply your changes to the latest version`,
      );
    }
    return this.#store(resource, keyFor(resource, namespace, name), next, "MODIFIED") as T;
  }

  // deno-lint-ignore require-await
  async patch<T>(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    const part = options.subresource === undefined ? "" : `/${options.subresource}`;
    this.#allow(`patch ${resource.resource}${part} ${namespace ?? "-"}/${name}`);
    const before = this.#get(resource, namespace, name);
    const uid = ((body as Json).metadata as Json | undefined)?.uid;
    if (uid !== undefined && uid !== before.metadata.uid) {
      throw new ApiError(409, "Conflict", `Precondition failed: UID in precondition: ${uid}`);
    }
    const next = merge(structuredClone(before) as unknown as Json, structuredClone(body) as Json, type === "strategic");
    return this.#store(resource, keyFor(resource, namespace, name), next as unknown as KubeObject, "MODIFIED") as T;
  }

  // deno-lint-ignore require-await
  async delete(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<unknown> {
    this.#allow(`delete ${resource.resource} ${namespace ?? "-"}/${name}`);
    const before = this.#get(resource, namespace, name);
    const { uid } = options.preconditions ?? {};
    if (uid !== undefined && uid !== before.metadata.uid) throw new ApiError(409, "Conflict", "uid differs");
    const grace = options.gracePeriodSeconds ??
      Number((before.spec as Json | undefined)?.terminationGracePeriodSeconds ?? 30);
    if (resource.resource === "pods" && grace > 0) {
      const next = structuredClone(before);
      next.metadata.deletionTimestamp = new Date(Date.now() + grace * 1000).toISOString().replace(/\.\d+/, "");
      next.metadata.deletionGracePeriodSeconds = grace;
      return this.#store(resource, keyFor(resource, namespace, name), next, "MODIFIED");
    }
    this.remove(resource, namespace, name);
    return before;
  }

  deleteCollection(): Promise<void> {
    return Promise.reject(new ApiError(405, "MethodNotAllowed", "deletecollection is not part of this fake"));
  }

  /** Takes an object away at once, as somebody with force would. */
  remove(resource: ResourceRef, namespace: string | undefined, name: string): void {
    const before = this.#get(resource, namespace, name);
    this.#objects.delete(keyFor(resource, namespace, name));
    const object = deepFreeze({
      ...before,
      metadata: { ...before.metadata, resourceVersion: String(++this.#revision) },
    });
    this.#tell(resource, object, "DELETED");
  }

  /** Resolves when the object is as wanted (undefined: gone). */
  async until<T = KubeObject>(
    resource: ResourceRef,
    namespace: string | undefined,
    name: string,
    wanted: (object: T | undefined) => boolean,
    timeoutMs = 30_000,
  ): Promise<T | undefined> {
    const key = keyFor(resource, namespace, name);
    const now = () => this.#objects.get(key) as T | undefined;
    if (wanted(now())) return now();
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const timer = setTimeout(
      () => reject(new Error(`Cannot wait longer for ${key}: ${JSON.stringify((now() as Json | undefined)?.status)}`)),
      timeoutMs,
    );
    const watch = this.watch<T>(resource, {}, {
      events: () => {
        if (wanted(now())) resolve(now());
      },
      closed: () => {},
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      watch.cancel();
    }
  }

  #get(resource: ResourceRef, namespace: string | undefined, name: string): KubeObject {
    const found = this.#objects.get(keyFor(resource, namespace, name));
    if (found === undefined) throw new ApiError(404, "NotFound", `${resource.resource} "${name}" not found`);
    return found;
  }

  #store(resource: ResourceRef, key: string, object: KubeObject, type: "ADDED" | "MODIFIED"): KubeObject {
    object.metadata.resourceVersion = String(++this.#revision);
    const frozen = deepFreeze(object);
    this.#objects.set(key, frozen);
    this.#tell(resource, frozen, type);
    return frozen;
  }

  #tell(resource: ResourceRef, object: KubeObject, type: "ADDED" | "MODIFIED" | "DELETED"): void {
    for (const { resource: wanted, options, sink } of [...this.#watches]) {
      if (wanted === resource.resource && matches(object, options)) {
        queueMicrotask(() => sink.events([{ type, object }]));
      }
    }
  }

  #allow(write: string): void {
    this.writes.push(write);
    const refusal = this.refuse?.(write);
    if (refusal !== undefined) throw refusal;
  }

  #token(request: object): Json {
    const seconds = Number(((request as Json).spec as Json).expirationSeconds ?? 3600);
    const expirationTimestamp = new Date(Date.now() + seconds * 1000).toISOString();
    return { ...(request as Json), status: { token: `token-${++this.#uid}`, expirationTimestamp } };
  }
}

const keyFor = (resource: ResourceRef, namespace: string | undefined, name: string) =>
  `${resource.resource}/${namespace ?? "-"}/${name}`;

function matches(object: KubeObject, { namespace, fieldSelector, labelSelector }: ListOptions): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  const equal = (of: (name: string) => unknown) => (requirement: string) => {
    const [name = "", value = ""] = requirement.split("=");
    return String(of(name) ?? "") === value;
  };
  const at = (path: string) => path.split(".").reduce((value: unknown, field) => (value as Json)?.[field], object);
  if (fieldSelector && !fieldSelector.split(",").every(equal(at))) return false;
  return !labelSelector || labelSelector.split(",").every(equal((name) => object.metadata.labels?.[name]));
}

function merge(target: Json, patch: Json, strategic: boolean): Json {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete target[name];
    else if (Array.isArray(value)) {
      const key = strategic ? mergeKeys[name] : undefined;
      const old = target[name] as Json[] | undefined;
      if (key === undefined || old === undefined) target[name] = value;
      else {
        const items = old.flatMap((item) => {
          const change = (value as Json[]).find((each) => each[key] === item[key]);
          if (change?.$patch === "delete") return [];
          return [change === undefined ? item : merge({ ...item }, change, strategic)];
        });
        target[name] = [
          ...items,
          ...(value as Json[]).filter((each) =>
            each.$patch !== "delete" && !old.some((item) => item[key] === each[key])
          ),
        ];
      }
    } else if (typeof value === "object" && typeof target[name] === "object" && target[name] !== null) {
      target[name] = merge(target[name] as Json, value as Json, strategic);
    } else target[name] = value;
  }
  return target;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}
