/** A container's environment: services, then envFrom, then env, later ones winning (Kubernetes "Environment Variables"). */
import type { ConfigMap, Container, Pod, Secret, Service } from "../objects/object.ts";
import { fieldValue, type NodeFacts, resourceValue } from "../pod/downward.ts";
import { expand } from "./expansion.ts";

/** Where the values come from; what is missing is undefined. */
export interface EnvironmentSources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  /** Those of the pod's namespace, and `kubernetes` of the default one. */
  readonly services: readonly Service[];
  readonly node: NodeFacts;
  readonly podIPs: readonly string[];
}

/** A container cannot be made as its spec says: reason CreateContainerConfigError. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly reason = "CreateContainerConfigError";
}

/** Config maps and secrets that the environment of a container names. */
export function environmentReferences(container: Container): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name) configMaps.add(configMapRef.name);
    if (secretRef?.name) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps, secrets };
}

/** Whether the environment can only be made when the pod has its address. */
export function needsAddress(container: Container): boolean {
  return (container.env ?? []).some(({ valueFrom }) => /^status\.podIPs?$/.test(valueFrom?.fieldRef?.fieldPath ?? ""));
}

/**
 * @throws ConfigError when something that is not optional is missing.
 */
export function environmentOf(pod: Pod, container: Container, sources: EnvironmentSources): Map<string, string> {
  const result = new Map<string, string>();
  const services = serviceVariables(pod, sources.services);
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef === undefined
      ? secretData(sources, secretRef?.name ?? "", secretRef?.optional)
      : configMapData(pod, sources, configMapRef.name ?? "", configMapRef.optional);
    for (const [key, value] of Object.entries(data)) result.set(prefix + key, value);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) {
      // What is defined before can be named; service variables only where nothing of that name is set here.
      result.set(name, expand(value ?? "", new Map([...services, ...result])));
      continue;
    }
    const found = valueOf(pod, container, valueFrom, sources);
    if (found !== undefined) result.set(name, found);
  }
  for (const [name, value] of services) if (!result.has(name)) result.set(name, value);
  return result;
}

type ValueSource = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;

function valueOf(pod: Pod, container: Container, from: ValueSource, sources: EnvironmentSources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = from;
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, sources.node, sources.podIPs);
  if (resourceFieldRef !== undefined) {
    const { containerName, resource, divisor } = resourceFieldRef;
    const all = [...pod.spec?.containers ?? [], ...pod.spec?.initContainers ?? []];
    const named = containerName ? all.find(({ name }) => name === containerName) : container;
    if (named === undefined) throw new ConfigError(`container ${containerName} not found`);
    return resourceValue(named as Container, resource, divisor, sources.node);
  }
  const namespace = pod.metadata.namespace ?? "";
  if (configMapKeyRef !== undefined) {
    const { name = "", key, optional } = configMapKeyRef;
    const value = configMapData(pod, sources, name, optional)[key];
    if (value === undefined && !optional) {
      throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (secretKeyRef !== undefined) {
    const { name = "", key, optional } = secretKeyRef;
    const value = secretData(sources, name, optional)[key];
    if (value === undefined && !optional) {
      throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value;
  }
  throw new ConfigError("a valueFrom names no source that this kubelet knows");
}

function configMapData(
  _pod: Pod,
  sources: EnvironmentSources,
  name: string,
  optional: boolean | undefined,
): Record<string, string> {
  const found = sources.configMap(name);
  if (found === undefined && !optional) throw new ConfigError(`configmap "${name}" not found`);
  return found?.data ?? {};
}

function secretData(sources: EnvironmentSources, name: string, optional: boolean | undefined): Record<string, string> {
  const found = sources.secret(name);
  if (found === undefined && !optional) throw new ConfigError(`secret "${name}" not found`);
  const decoder = new TextDecoder();
  const decode = (text: string) => decoder.decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

/** `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR` and so on, as Docker links once had them. */
export function serviceVariables(pod: Pod, services: readonly Service[]): Map<string, string> {
  const result = new Map<string, string>();
  const links = pod.spec?.enableServiceLinks ?? true;
  for (const service of services) {
    const { name, namespace } = service.metadata;
    const isMaster = namespace === "default" && name === "kubernetes";
    const ip = service.spec?.clusterIP;
    if (ip === undefined || ip === "" || ip === "None") continue;
    if (!isMaster && !(links && namespace === pod.metadata.namespace)) continue;
    const prefix = name.toUpperCase().replaceAll("-", "_");
    const ports = service.spec?.ports ?? [];
    const [first] = ports;
    if (first === undefined) continue;
    const host = ip.includes(":") ? `[${ip}]` : ip;
    result.set(`${prefix}_SERVICE_HOST`, ip);
    result.set(`${prefix}_SERVICE_PORT`, String(first.port));
    for (const port of ports) {
      if (port.name) {
        result.set(`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll("-", "_")}`, String(port.port));
      }
    }
    const url = (port: typeof first) => `${(port.protocol ?? "TCP").toLowerCase()}://${host}:${port.port}`;
    result.set(`${prefix}_PORT`, url(first));
    for (const port of ports) {
      const protocol = port.protocol ?? "TCP";
      const each = `${prefix}_PORT_${port.port}_${protocol}`;
      result.set(each, url(port));
      result.set(`${each}_PROTO`, protocol.toLowerCase());
      result.set(`${each}_PORT`, String(port.port));
      result.set(`${each}_ADDR`, ip);
    }
  }
  return result;
}
