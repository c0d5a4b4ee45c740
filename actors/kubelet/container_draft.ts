/** A container as the runtime is to make it, from its pod's spec and what its values come from. */
import { environmentOf, environmentReferences } from "../../machines/container/environment.ts";
import { expand } from "../../machines/container/expansion.ts";
import { cgroupResources } from "../../machines/container/resources.ts";
import { securityOf } from "../../machines/container/security.ts";
import type { Container } from "../../machines/objects/object.ts";
import { hostsFile } from "../../machines/pod/hosts_file.ts";
import { dnsConfigOf } from "../../machines/pod/dns_config.ts";
import { hostnameOf } from "../../machines/pod/hosts_file.ts";
import { containerName, labelNames, podLabels, sandboxContainer } from "../../machines/pod/pod_names.ts";
import { oomScoreAdj } from "../../machines/pod/qos.ts";
import { bytesOf } from "../../machines/container/resources.ts";
import type { ContainerDraft, RuntimeMount } from "../../ports/container_runtime.ts";
import { pauseImage } from "../docker/pause_image.ts";
import type { ContainerRecord, PodRecord } from "./pod_record.ts";
import { readAll } from "./volume_manager.ts";
import type { KubeletWorld } from "./world.ts";

export const hostsPath = (world: KubeletWorld, record: PodRecord) =>
  `${world.volumes.directoryOf(record.pod)}/etc-hosts`;

/** Written before a container starts, in place: containers that run keep the file they have. */
export async function writeHostsFile(world: KubeletWorld, record: PodRecord): Promise<void> {
  const path = hostsPath(world, record);
  const host = record.pod.spec?.hostNetwork ? await world.files.readHostFile("/etc/hosts") : "";
  await world.files.writeFile(path, hostsFile(record.pod, record.podIPs, world.clusterDomain, host), 0o644);
}

export function messageFile(world: KubeletWorld, record: PodRecord, container: string, attempt: number): string {
  return `${world.volumes.directoryOf(record.pod)}/containers/${container}/${attempt}`;
}

/** What a restart is needed for when it changes. */
export function specHash(container: Container): string {
  let hash = 0x811c9dc5;
  for (const char of `${container.name}\n${container.image}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(16);
}

/** The network that hostNetwork pods are on. */
function hostNetworkOf(world: KubeletWorld): string {
  const { hostNetworkContainer } = world.options;
  return hostNetworkContainer === undefined ? "host" : `container:${hostNetworkContainer}`;
}

export function sandboxDraft(world: KubeletWorld, record: PodRecord): ContainerDraft {
  const { pod } = record;
  const { hostNetwork = false, hostIPC = false, securityContext } = pod.spec ?? {};
  const dns = dnsConfigOf(
    pod,
    { server: world.options.clusterDns, domain: world.clusterDomain },
    world.hostResolver,
  );
  const sysctls = Object.fromEntries((securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]));
  const network = hostNetwork ? hostNetworkOf(world) : "none";
  const joins = network.startsWith("container:");
  return {
    name: containerName(pod, sandboxContainer, record.nextSandbox),
    image: pauseImage,
    labels: {
      ...podLabels(world.names, pod, sandboxContainer),
      [labelNames.restartCount]: String(record.nextSandbox),
    },
    ...(hostNetwork ? {} : { hostname: hostnameOf(pod) }),
    network,
    ipc: hostIPC ? "host" : "shareable",
    // The engine refuses resolvers for a container that joins another's network.
    ...(joins ? {} : { dns }),
    ...(Object.keys(sysctls).length === 0 ? {} : { sysctls }),
    resources: { cpuShares: 2, oomScoreAdj: Math.max(world.lowestOomScore, -998) },
    // It does nothing but sleep; a filter would only cost time at its start.
    security: { seccomp: "unconfined", noNewPrivileges: true },
  };
}

/** @throws ConfigError (CreateContainerConfigError), VolumeError, and whatever the API refuses. */
export async function containerDraft(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
): Promise<ContainerDraft> {
  const { pod } = record;
  const { spec } = container;
  const namespace = pod.metadata.namespace ?? "";
  const named = environmentReferences(spec);
  const [configMaps, secrets] = await Promise.all([
    readAll(named.configMaps, (name) => world.sources.configMap(namespace, name)),
    readAll(named.secrets, (name) => world.sources.secret(namespace, name)),
  ]);
  const env = environmentOf(pod, spec, {
    configMap: (name) => configMaps.get(name),
    secret: (name) => secrets.get(name),
    services: world.services?.list() ?? [],
    node: world.node,
    podIPs: record.podIPs,
  });
  const words = (of: readonly string[] | undefined) => of?.map((word) => expand(word, env));
  const entrypoint = words(spec.command);
  const command = words(spec.args);
  const sandbox = `container:${record.sandbox?.id}`;
  const { shareProcessNamespace = false, hostPID = false, hostNetwork = false, hostIPC = false } = pod.spec ?? {};
  const target = record.containers.get((spec as { targetContainerName?: string }).targetContainerName ?? "")?.run;
  const pid = hostPID
    ? "host"
    : target !== undefined
    ? `container:${target.id}`
    : shareProcessNamespace
    ? sandbox
    : undefined;
  const attempt = container.nextAttempt;
  return {
    name: containerName(pod, spec.name, attempt),
    image: container.image?.id ?? spec.image ?? "",
    labels: {
      ...podLabels(world.names, pod, spec.name),
      [labelNames.sandbox]: record.sandbox?.id ?? "",
      [labelNames.hash]: specHash(spec),
      [labelNames.restartCount]: String(attempt),
    },
    // A command replaces both the image's entry point and its arguments.
    ...(entrypoint === undefined || entrypoint.length === 0 ? {} : { entrypoint }),
    ...(command === undefined || command.length === 0
      ? (entrypoint === undefined || entrypoint.length === 0 ? {} : { command: [] })
      : { command }),
    env: [...env].map(([name, value]) => `${name}=${value}`),
    ...(spec.workingDir ? { workingDirectory: spec.workingDir } : {}),
    tty: spec.tty ?? false,
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    mounts: await mountsOf(world, record, container, env),
    network: hostNetwork && world.options.hostNetworkContainer === undefined ? "host" : sandbox,
    ipc: hostIPC ? "host" : sandbox,
    ...(pid === undefined ? {} : { pid }),
    ...(hostNetwork ? { uts: "host" as const } : {}),
    resources: {
      ...cgroupResources(spec),
      oomScoreAdj: Math.max(world.lowestOomScore, oomScoreAdj(pod, spec, bytesOf(world.node.memory))),
    },
    security: securityOf(pod, spec, container.image?.user ?? ""),
  };
}

async function mountsOf(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  env: ReadonlyMap<string, string>,
): Promise<RuntimeMount[]> {
  const { spec } = container;
  const mounts = await world.volumes.mountsOf(record, spec, env);
  const path = spec.terminationMessagePath ?? "/dev/termination-log";
  const file = messageFile(world, record, spec.name, container.nextAttempt);
  await world.files.writeFile(file, "", 0o666);
  mounts.push({ hostPath: file, containerPath: path, readOnly: false });
  if (!mounts.some(({ containerPath }) => containerPath === "/etc/hosts")) {
    const hosts = hostsPath(world, record);
    // The address may not be known yet: what stands here before the start is what counts.
    await world.files.writeFile(hosts, undefined, 0o644);
    mounts.push({ hostPath: hosts, containerPath: "/etc/hosts", readOnly: false });
  }
  return mounts;
}
