/** The volumes of this node's pods, below `directory/pods/<uid>/`. Making one that is there already changes nothing. */
import type { Container, Pod } from "../../machines/objects/object.ts";
import {
  hasPayload,
  isSecret,
  type Payload,
  payloadOf,
  payloadReferences,
  type TokenRequest,
  type Volume,
  VolumeError,
} from "../../machines/volumes/payload.ts";
import { bytesOf } from "../../machines/container/resources.ts";
import { expand } from "../../machines/container/expansion.ts";
import type { RuntimeMount } from "../../ports/container_runtime.ts";
import type { PodRecord } from "./pod_record.ts";
import type { KubeletWorld } from "./world.ts";

const kindDirectories: Readonly<Record<string, string>> = {
  configMap: "kubernetes.io~configmap",
  secret: "kubernetes.io~secret",
  downwardAPI: "kubernetes.io~downward-api",
  projected: "kubernetes.io~projected",
  emptyDir: "kubernetes.io~empty-dir",
};

export class VolumeManager {
  constructor(readonly world: KubeletWorld) {}

  directoryOf(pod: Pod): string {
    return `${this.world.options.directory}/pods/${pod.metadata.uid}`;
  }

  /** @throws VolumeError that names the first volume that could not be mounted. */
  async mount(record: PodRecord): Promise<void> {
    const volumes = (record.pod.spec?.volumes ?? []) as Volume[];
    await this.#each(volumes, (volume) => this.#mountOne(record, volume));
  }

  /** Computes generated contents anew; what is the same is left alone, one that fails does not hold up the others. */
  async refresh(record: PodRecord): Promise<void> {
    const volumes = ((record.pod.spec?.volumes ?? []) as Volume[]).filter(hasPayload);
    await this.#each(volumes, (volume) => this.#writePayload(record, volume));
  }

  /** Calls back when a config map or secret that a volume shows is different. */
  follow(record: PodRecord, changed: () => void): void {
    const named = ((record.pod.spec?.volumes ?? []) as Volume[]).map(payloadReferences);
    this.world.sources.follow(record.pod, {
      configMaps: named.flatMap(({ configMaps }) => configMaps),
      secrets: named.flatMap(({ secrets }) => secrets),
    }, changed);
  }

  /** Idempotent. */
  async unmountAll(pod: Pod): Promise<void> {
    await this.world.files.remove(this.directoryOf(pod));
    this.world.sources.forget(pod);
  }

  /** Uids of pods that have a directory here. */
  known(): Promise<string[]> {
    return this.world.files.list(`${this.world.options.directory}/pods`);
  }

  /** A container's mounts of its pod's volumes. */
  async mountsOf(record: PodRecord, container: Container, env: ReadonlyMap<string, string>): Promise<RuntimeMount[]> {
    const mounts: RuntimeMount[] = [];
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      const volume = (record.pod.spec?.volumes ?? []).find(({ name }) => name === mount.name) as Volume | undefined;
      if (volume === undefined) {
        throw new VolumeError(`volume "${mount.name}" of container "${container.name}" is not defined`);
      }
      const root = this.#pathOf(record.pod, volume);
      const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
      const target = `${this.directoryOf(record.pod)}/volume-subpaths/${volume.name}/${container.name}/${index}`;
      const hostPath = subPath ? await this.world.files.bindSubPath(root, subPath, target) : root;
      const propagation = { HostToContainer: "rslave", Bidirectional: "rshared" } as const;
      mounts.push({
        hostPath,
        containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
        // The kubelet goes on writing there as root: a container that could too would lead it anywhere by a link.
        readOnly: hasPayload(volume) || (mount.readOnly ?? false),
        ...(mount.mountPropagation === "HostToContainer" || mount.mountPropagation === "Bidirectional"
          ? { propagation: propagation[mount.mountPropagation] }
          : {}),
      });
    }
    return mounts;
  }

  async #each(volumes: readonly Volume[], work: (volume: Volume) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(volumes.map(work));
    const index = results.findIndex(({ status }) => status === "rejected");
    if (index < 0) return;
    const { message } = (results[index] as PromiseRejectedResult).reason as Error;
    throw new VolumeError(`MountVolume.SetUp failed for volume "${volumes[index]!.name}" : ${message}`);
  }

  #pathOf(pod: Pod, volume: Volume): string {
    if (volume.hostPath !== undefined) return volume.hostPath.path;
    const kind = Object.keys(kindDirectories).find((each) => each in volume) ?? "emptyDir";
    return `${this.directoryOf(pod)}/volumes/${kindDirectories[kind]}/${volume.name}`;
  }

  async #mountOne(record: PodRecord, volume: Volume): Promise<void> {
    if (volume.hostPath !== undefined) return await this.world.files.prepareHostPath(volume.hostPath);
    if (volume.emptyDir !== undefined) return await this.#makeEmptyDir(record, volume);
    if (hasPayload(volume)) return await this.#writePayload(record, volume);
    const kind = Object.keys(volume).find((key) => key !== "name") ?? "unknown";
    throw new VolumeError(
      kind === "persistentVolumeClaim"
        ? "persistent volume claims are not supported by this kubelet yet"
        : `volumes of type "${kind}" are not supported by this kubelet`,
    );
  }

  async #makeEmptyDir(record: PodRecord, volume: Volume): Promise<void> {
    const group = record.pod.spec?.securityContext?.fsGroup;
    const { medium, sizeLimit } = volume.emptyDir ?? {};
    await this.world.files.makeEmptyDirectory(this.#pathOf(record.pod, volume), {
      memory: medium === "Memory",
      ...(sizeLimit === undefined ? {} : { sizeBytes: bytesOf(sizeLimit) }),
      ...(group === undefined ? {} : { group }),
    });
  }

  async #writePayload(record: PodRecord, volume: Volume): Promise<void> {
    const path = this.#pathOf(record.pod, volume);
    const payload = await this.#payloadOf(record, volume);
    const group = record.pod.spec?.securityContext?.fsGroup;
    const draw = Math.floor(this.world.random.next() * 2 ** 32);
    const version = `${this.world.now().replaceAll(/[-:TZ]/g, "_")}.${draw}`;
    const options = { secret: isSecret(volume), ...(group === undefined ? {} : { group }) };
    await this.world.files.writePayload(path, payload, version, options);
  }

  async #payloadOf(record: PodRecord, volume: Volume): Promise<Payload> {
    const { pod } = record;
    const { sources, node } = this.world;
    const namespace = pod.metadata.namespace ?? "";
    const named = payloadReferences(volume);
    const tokenKey = (request: TokenRequest) => `${request.audience}\n${request.path}`;
    const [configMaps, secrets, tokens] = await Promise.all([
      readAll(named.configMaps, (name) => sources.configMap(namespace, name)),
      readAll(named.secrets, (name) => sources.secret(namespace, name)),
      Promise.all(named.tokens.map(async (request) => [tokenKey(request), await sources.token(pod, request)] as const)),
    ]);
    const tokenOf = new Map(tokens);
    return payloadOf(pod, volume, {
      configMap: (name) => configMaps.get(name),
      secret: (name) => secrets.get(name),
      token: (request) => tokenOf.get(tokenKey(request)) ?? "",
      node,
      podIPs: record.podIPs,
    });
  }
}

export async function readAll<T>(
  names: Iterable<string>,
  read: (name: string) => Promise<T>,
): Promise<Map<string, T>> {
  return new Map(await Promise.all([...names].map(async (name) => [name, await read(name)] as const)));
}
