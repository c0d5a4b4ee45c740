/** Config maps, secrets and tokens that the pods of this node name; each is read once and kept for a short while. */
import type { ConfigMap, KubeObject, Pod, Secret } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import type { TokenRequest } from "../../machines/volumes/payload.ts";
import { type ApiClient, type ResourceRef, resources } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";

interface Kept<T> {
  readonly object: Promise<T | undefined>;
  readonly until: number;
}

interface Token {
  readonly text: string;
  /** Wall time in ms after which a new one is asked for: 80 % of its life, at most 24 hours. */
  readonly renewAt: number;
}

/** What a volume shows is at most this much older than the API. */
const keptMs = 1_000;

export class Sources {
  #objects = new Map<string, Kept<KubeObject>>();
  #tokens = new Map<string, Token>();

  constructor(readonly ports: { client: ApiClient; clock: Clock }) {}

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get(resources.configMaps, namespace, name) as Promise<ConfigMap | undefined>;
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get(resources.secrets, namespace, name) as Promise<Secret | undefined>;
  }

  async token(pod: Pod, request: TokenRequest): Promise<string> {
    const { clock, client } = this.ports;
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

  forget(pod: Pod): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${pod.metadata.uid}\n`)) this.#tokens.delete(key);
  }

  #get(resource: ResourceRef, namespace: string, name: string): Promise<KubeObject | undefined> {
    const { clock, client } = this.ports;
    const key = `${resource.resource}/${namespace}/${name}`;
    const now = clock.now();
    const kept = this.#objects.get(key);
    if (kept !== undefined && now < kept.until) return kept.object;
    for (const [old, { until }] of this.#objects) if (until <= now) this.#objects.delete(old);
    const object = client.get<KubeObject>(resource, namespace, name).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 404) return undefined;
      this.#objects.delete(key);
      throw error;
    });
    this.#objects.set(key, { object, until: now + keptMs });
    return object;
  }
}
