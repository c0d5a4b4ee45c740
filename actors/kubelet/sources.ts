/**
 * Config maps, secrets and tokens that the pods of this node name. What a mounted volume shows is watched, object by
 * object (that is all that a node may watch); what is only read once is kept for a moment.
 */
import type { ConfigMap, KubeObject, Pod, Secret } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { TokenRequest } from "../../machines/volumes/payload.ts";
import { type ApiClient, type ResourceRef, resources } from "../../ports/api_client.ts";
import { type Informer, startInformer } from "../informer.ts";
import type { ActorSystem, Address } from "../system.ts";

interface Kept<T> {
  readonly object: Promise<T | undefined>;
  readonly until: number;
}

interface Token {
  readonly text: string;
  /** Wall time in ms after which a new one is asked for: 80 % of its life, at most 24 hours. */
  readonly renewAt: number;
}

/** Containers of one pod, and pods that start together, name the same objects. */
const keptMs = 1_000;

interface Followed {
  readonly informer: Informer<KubeObject>;
  /** By pod. */
  readonly followers: Map<string, () => void>;
}

export interface References {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
}

/** What volumes and environments are made from. */
export interface PodSources {
  podTakenOn(): void;
  follow(pod: Pod, references: References, changed: () => void): void;
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  token(pod: Pod, request: TokenRequest): Promise<string>;
  forget(pod: Pod): void;
}

export class Sources implements PodSources {
  #objects = new Map<string, Kept<KubeObject>>();
  #tokens = new Map<string, Token>();

  #followed = new Map<string, Followed>();

  constructor(
    readonly ports: { client: ApiClient; system: ActorSystem; node: string; supervisor: Address },
  ) {}

  /**
   * A pod is taken on. What it is shown is never older than this: whoever changes a ConfigMap and then makes a pod
   * finds the change in it.
   */
  podTakenOn(): void {
    this.#objects.clear();
  }

  /** From now on `changed` is called when one of the objects is different. Once for a pod and an object. */
  follow(pod: Pod, references: References, changed: () => void): void {
    const { namespace = "", uid } = pod.metadata;
    const named = [
      ...references.configMaps.map((name) => [resources.configMaps, name] as const),
      ...references.secrets.map((name) => [resources.secrets, name] as const),
    ];
    for (const [resource, name] of named) this.#follow(resource, namespace, name).followers.set(uid, changed);
  }

  unfollow(pod: Pod): void {
    for (const [key, { informer, followers }] of this.#followed) {
      if (!followers.delete(pod.metadata.uid) || followers.size > 0) continue;
      informer.stop();
      this.#followed.delete(key);
    }
  }

  #follow(resource: ResourceRef, namespace: string, name: string): Followed {
    const key = `${resource.resource}/${namespace}/${name}`;
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      const { system, client, node, supervisor } = this.ports;
      const informer = startInformer<KubeObject>(system, {
        node,
        name: `${resource.resource}:${namespace}:${name}`,
        client,
        resource,
        options: { namespace, fieldSelector: `metadata.name=${name}` },
        supervisor,
      });
      const followers = new Map<string, () => void>();
      followed = { informer, followers };
      this.#followed.set(key, followed);
      informer.subscribe({
        changed: () => {
          this.#objects.delete(key);
          for (const changed of followers.values()) changed();
        },
      });
    }
    return followed;
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get(resources.configMaps, namespace, name) as Promise<ConfigMap | undefined>;
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get(resources.secrets, namespace, name) as Promise<Secret | undefined>;
  }

  async token(pod: Pod, request: TokenRequest): Promise<string> {
    const { client, system: { clock } } = this.ports;
    const key = [pod.metadata.uid, request.audience, request.expirationSeconds, request.path].join("\n");
    const kept = this.#tokens.get(key);
    if (kept !== undefined && clock.wallTime() < kept.renewAt) return kept.text;
    const { name, namespace = "", uid } = pod.metadata;
    const answer = await client.create<KubeObject & { status: { token: string; expirationTimestamp: string } }>(
      resources.serviceAccounts,
      namespace,
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          audiences: request.audience === "" ? [] : [request.audience],
          expirationSeconds: request.expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      },
      { subresource: "token", name: pod.spec?.serviceAccountName ?? "default" },
    );
    const { token, expirationTimestamp } = answer.status;
    const now = clock.wallTime();
    const life = Date.parse(expirationTimestamp) - now;
    this.#tokens.set(key, { text: token, renewAt: now + Math.min(life * 0.8, 24 * 3_600_000) });
    return token;
  }

  /** The pod is gone: its tokens too. */
  forget(pod: Pod): void {
    this.unfollow(pod);
    for (const key of this.#tokens.keys()) if (key.startsWith(`${pod.metadata.uid}\n`)) this.#tokens.delete(key);
  }

  #get(resource: ResourceRef, namespace: string, name: string): Promise<KubeObject | undefined> {
    const { client, system: { clock } } = this.ports;
    const key = `${resource.resource}/${namespace}/${name}`;
    const followed = this.#followed.get(key);
    if (followed?.informer.synced) return Promise.resolve(followed.informer.get(`${namespace}/${name}`));
    const now = clock.now();
    const kept = this.#objects.get(key);
    if (kept !== undefined && now < kept.until) return kept.object;
    for (const [old, { until }] of this.#objects) if (until <= now) this.#objects.delete(old);
    const object = client.get<KubeObject>(resource, namespace, name).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 404) return undefined;
      if (this.#objects.get(key) === read) this.#objects.delete(key);
      throw error;
    });
    const read = { object, until: now + keptMs };
    this.#objects.set(key, read);
    return object;
  }
}
