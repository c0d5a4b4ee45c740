/** Config maps and secrets for the pods of all simulated nodes: that they are there matters, nobody reads the files. */
import type { ConfigMap, KubeObject, Pod, Secret } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { type ApiClient, type ResourceRef, resources } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { PodSources } from "../kubelet/sources.ts";

interface Kept {
  readonly object: Promise<KubeObject | undefined>;
  readonly until: number;
}

/** Pods that start together name the same objects. */
const keptMs = 1_000;

export class SharedSources implements PodSources {
  readonly #kept = new Map<string, Kept>();

  constructor(readonly ports: { readonly client: ApiClient; readonly clock: Clock }) {}

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get(resources.configMaps, namespace, name) as Promise<ConfigMap | undefined>;
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get(resources.secrets, namespace, name) as Promise<Secret | undefined>;
  }

  token(_pod: Pod): Promise<string> {
    return Promise.resolve("");
  }

  podTakenOn(): void {}
  follow(): void {}
  forget(): void {}

  #get(resource: ResourceRef, namespace: string, name: string): Promise<KubeObject | undefined> {
    const { client, clock } = this.ports;
    const now = clock.now();
    for (const [key, { until }] of this.#kept) if (until <= now) this.#kept.delete(key);
    const key = `${resource.resource}/${namespace}/${name}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept.object;
    const object = client.get<KubeObject>(resource, namespace, name).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 404) return undefined;
      this.#kept.delete(key);
      throw error;
    });
    this.#kept.set(key, { object, until: now + keptMs });
    return object;
  }
}
