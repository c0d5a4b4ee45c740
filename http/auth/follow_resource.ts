/**
 * A small copy of one resource for those who decide about requests: listed, then watched, listed again when the watch
 * ends. It lags the store by a moment; who cannot bear that asks the API (`find`).
 */
import type { KubeObject } from "../../machines/objects/object.ts";
import { keyOf } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient, ResourceRef, Watch, WatchEvent } from "../../ports/api_client.ts";
import type { Clock, Wake } from "../../ports/clock.ts";

export interface Follower<T> {
  /** Everything there is, at each list. */
  replaced(objects: readonly T[]): void;
  changed(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void;
}

export interface Following {
  /** Resolves after the first list. Never rejects: a list that fails is tried again. */
  readonly ready: Promise<void>;
  stop(): void;
}

const firstRetryMs = 100;
const longestRetryMs = 10_000;

export function followResource<T extends KubeObject>(
  client: ApiClient,
  clock: Clock,
  resource: ResourceRef,
  follower: Follower<T>,
): Following {
  const first = Promise.withResolvers<void>();
  let stopped = false;
  let watch: Watch | undefined;
  let wake: Wake | undefined;
  let retryMs = firstRetryMs;

  async function list(): Promise<void> {
    try {
      const found = await client.list<T>(resource, {});
      if (stopped) return;
      follower.replaced(found.items);
      first.resolve();
      watch = client.watch<T>(resource, { resourceVersion: found.resourceVersion }, { events, closed: again });
    } catch {
      // The API is not there yet or not now: `find` still asks it, so nobody is let in by an empty copy.
      again();
    }
  }

  function events(batch: readonly WatchEvent<T>[]): void {
    retryMs = firstRetryMs;
    for (const event of batch) if (event.type !== "BOOKMARK") follower.changed(event.type, event.object);
  }

  function again(): void {
    watch = undefined;
    if (stopped) return;
    wake = clock.wakeAt(clock.now() + retryMs, () => void list());
    retryMs = Math.min(longestRetryMs, retryMs * 2);
  }

  void list();
  return {
    ready: first.promise,
    stop() {
      stopped = true;
      watch?.cancel();
      wake?.cancel();
      first.resolve();
    },
  };
}

/** Objects by namespace and name. */
export class ResourceCopy<T extends KubeObject = KubeObject> implements Follower<T> {
  readonly #objects = new Map<string, T>();
  readonly #client: ApiClient;
  readonly #resource: ResourceRef;

  constructor(client: ApiClient, resource: ResourceRef) {
    this.#client = client;
    this.#resource = resource;
  }

  replaced(objects: readonly T[]): void {
    this.#objects.clear();
    for (const object of objects) this.#objects.set(keyOf(object), object);
  }

  changed(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    if (type === "DELETED") this.#objects.delete(keyOf(object));
    else this.#objects.set(keyOf(object), object);
  }

  get size(): number {
    return this.#objects.size;
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  known(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(namespace === undefined ? name : `${namespace}/${name}`);
  }

  /** The copy's object, else the API's: what was created a moment ago is found. */
  async find(namespace: string | undefined, name: string): Promise<T | undefined> {
    return this.known(namespace, name) ?? await this.live(namespace, name);
  }

  async live(namespace: string | undefined, name: string): Promise<T | undefined> {
    try {
      return await this.#client.get<T>(this.#resource, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }
}
