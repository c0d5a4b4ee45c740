/** The files of config map, secret, downward API and projected volumes, as data (Kubernetes "Projected Volumes"). */
import type { ConfigMap, Container, Pod, PodSpec, Secret } from "../objects/object.ts";
import { fieldValue, type NodeFacts, resourceValue } from "../pod/downward.ts";

export type Volume = NonNullable<PodSpec["volumes"]>[number];
type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];

export interface PayloadFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** Path below the volume's root, to its file. */
export type Payload = Map<string, PayloadFile>;

export interface TokenRequest {
  readonly audience: string;
  readonly expirationSeconds: number;
  readonly path: string;
}

export interface PayloadSources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  /** Fetched before: by `tokenKey`. */
  token(request: TokenRequest): string;
  readonly node: NodeFacts;
  readonly podIPs: readonly string[];
}

/** A volume cannot be made up: a source is missing. */
export class VolumeError extends Error {
  override name = "VolumeError";
  readonly reason = "FailedMount";
}

const encoder = new TextEncoder();
const encode = (text: string) => encoder.encode(text);
const decode64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const standardMode = 0o644;

/** Whether the volume's contents are made by the kubelet. */
export function hasPayload(volume: Volume): boolean {
  return ["configMap", "secret", "downwardAPI", "projected"].some((kind) => kind in volume);
}

/** Whether its contents must never touch a disk. */
export function isSecret(volume: Volume): boolean {
  if (volume.secret !== undefined) return true;
  return (volume.projected?.sources ?? []).some((each) =>
    each.secret !== undefined || each.serviceAccountToken !== undefined
  );
}

/** Config maps and secrets that a volume names, and the tokens it wants. */
export function payloadReferences(volume: Volume): { configMaps: string[]; secrets: string[]; tokens: TokenRequest[] } {
  const sources = volume.projected?.sources ?? [];
  const defined = (names: (string | undefined)[]) =>
    names.filter((name) => name !== undefined && name !== "") as string[];
  return {
    configMaps: defined([volume.configMap?.name, ...sources.map(({ configMap }) => configMap?.name)]),
    secrets: defined([volume.secret?.secretName, ...sources.map(({ secret }) => secret?.name)]),
    tokens: sources.flatMap(({ serviceAccountToken }) =>
      serviceAccountToken === undefined ? [] : [tokenOf(serviceAccountToken)]
    ),
  };
}

function tokenOf(source: NonNullable<Projection["serviceAccountToken"]>): TokenRequest {
  const { audience = "", expirationSeconds = 3600, path } = source;
  return { audience, expirationSeconds, path };
}

/** @throws VolumeError when something that is not optional is missing. */
export function payloadOf(pod: Pod, volume: Volume, sources: PayloadSources): Payload {
  const payload: Payload = new Map();
  const { configMap, secret, downwardAPI, projected } = volume;
  const mode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? standardMode;
  const add = (files: Payload) => {
    for (const [path, file] of files) payload.set(path, file);
  };
  if (configMap !== undefined) add(configMapFiles(pod, configMap, configMap.name, mode, sources));
  if (secret !== undefined) add(secretFiles(pod, secret, secret.secretName, mode, sources));
  if (downwardAPI !== undefined) add(downwardFiles(pod, downwardAPI.items ?? [], mode, sources));
  for (const source of projected?.sources ?? []) add(projectionFiles(pod, source, mode, sources));
  return payload;
}

function projectionFiles(pod: Pod, source: Projection, mode: number, sources: PayloadSources): Payload {
  if (source.configMap !== undefined) {
    return configMapFiles(pod, source.configMap, source.configMap.name, mode, sources);
  }
  if (source.secret !== undefined) return secretFiles(pod, source.secret, source.secret.name, mode, sources);
  if (source.downwardAPI !== undefined) return downwardFiles(pod, source.downwardAPI.items ?? [], mode, sources);
  if (source.serviceAccountToken !== undefined) {
    const request = tokenOf(source.serviceAccountToken);
    // Who else than root is to read it must be in the group: the mode of a token is narrower than of other files.
    const own = pod.spec?.securityContext?.fsGroup === undefined ? 0o644 & mode : 0o640;
    return new Map([[request.path, { bytes: encode(sources.token(request)), mode: own }]]);
  }
  throw new VolumeError(`a projected volume names a source that this kubelet does not support: ${Object.keys(source)}`);
}

interface Keys {
  readonly items?: readonly { key: string; path: string; mode?: number }[];
  readonly optional?: boolean;
}

function configMapFiles(
  pod: Pod,
  keys: Keys,
  name = "",
  mode: number,
  sources: PayloadSources,
): Payload {
  const found = sources.configMap(name);
  if (found === undefined && !keys.optional) throw new VolumeError(`configmap "${name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(found?.data ?? {})) data.set(key, encode(value));
  for (const [key, value] of Object.entries(found?.binaryData ?? {})) data.set(key, decode64(value));
  return pick(`configmap references non-existent config key`, keys, data, mode, pod);
}

function secretFiles(pod: Pod, keys: Keys, name = "", mode: number, sources: PayloadSources): Payload {
  const found = sources.secret(name);
  if (found === undefined && !keys.optional) throw new VolumeError(`secret "${name}" not found`);
  const data = new Map(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode64(value)]));
  return pick("references non-existent secret key", keys, data, mode, pod);
}

function pick(missing: string, keys: Keys, data: Map<string, Uint8Array>, mode: number, _pod: Pod): Payload {
  if (keys.items === undefined) return new Map([...data].map(([key, bytes]) => [key, { bytes, mode }]));
  const picked: Payload = new Map();
  for (const { key, path, mode: own } of keys.items) {
    const bytes = data.get(key);
    if (bytes === undefined) {
      if (keys.optional) continue;
      throw new VolumeError(`${missing}: ${key}`);
    }
    picked.set(path, { bytes, mode: own ?? mode });
  }
  return picked;
}

type DownwardItem = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>[number];

function downwardFiles(pod: Pod, items: readonly DownwardItem[], mode: number, sources: PayloadSources): Payload {
  const files: Payload = new Map();
  const containers = [...pod.spec?.containers ?? [], ...pod.spec?.initContainers ?? []];
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    let text = "";
    if (fieldRef !== undefined) text = fieldValue(pod, fieldRef.fieldPath, sources.node, sources.podIPs);
    else if (resourceFieldRef !== undefined) {
      const container = containers.find(({ name }) => name === resourceFieldRef.containerName);
      if (container === undefined) throw new VolumeError(`container ${resourceFieldRef.containerName} not found`);
      text = resourceValue(container as Container, resourceFieldRef.resource, resourceFieldRef.divisor, sources.node);
    }
    files.set(path, { bytes: encode(text), mode: own ?? mode });
  }
  return files;
}
