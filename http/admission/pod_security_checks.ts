/**
 * The pod security standards `baseline` and `restricted` (Kubernetes docs, "Pod Security Standards"), as of 1.36: each
 * rule says what a pod has that it must not have.
 */
import type { Container, PodSpec } from "../../machines/objects/object.ts";

export type Level = "privileged" | "baseline" | "restricted";

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

interface CheckedPod {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
}

type Check = (pod: CheckedPod) => Violation | undefined;

/** What of a pod violates a level; empty: nothing. */
export function violationsOf(
  level: Level,
  spec: PodSpec,
  annotations: Readonly<Record<string, string>> = {},
): Violation[] {
  if (level === "privileged") return [];
  const containers = [
    ...spec.initContainers ?? [],
    ...spec.containers ?? [],
    ...(spec.ephemeralContainers ?? []) as Container[],
  ];
  const pod: CheckedPod = { spec, annotations, containers };
  const checks = [...baseline, ...(level === "restricted" ? restricted : loosened)];
  return checks.map((check) => check(pod)).filter((violation) => violation !== undefined);
}

const quoted = (values: Iterable<string>) => [...values].map((one) => JSON.stringify(one)).join(", ");
const sorted = (values: Iterable<string>) => quoted([...new Set(values)].sort());
const plural = (one: string, many: string, count: number) => count === 1 ? one : many;

/** `container "a"`, `containers "a", "b"`. */
function named(containers: readonly { readonly name: string }[]): string {
  return `${plural("container", "containers", containers.length)} ${quoted(containers.map(({ name }) => name))}`;
}

function among(pod: CheckedPod, isBad: (container: Container) => boolean): string | undefined {
  const bad = pod.containers.filter(isBad);
  return bad.length === 0 ? undefined : named(bad);
}

/** Containers that do what they may not, in the words `WHO must RULE`. */
function must(reason: string, rule: string, isBad: (container: Container) => boolean, prefix = ""): Check {
  return (pod) => {
    const who = among(pod, isBad);
    return who === undefined ? undefined : { reason, detail: `${prefix}${who} must ${rule}` };
  };
}

/** Who sets a field of the security context badly: the pod, containers, or both. */
function setters(pod: CheckedPod, ofPod: boolean, isBad: (container: Container) => boolean): string | undefined {
  const who = [...(ofPod ? ["pod"] : []), among(pod, isBad)].filter((one) => one !== undefined);
  return who.length === 0 ? undefined : who.join(" and ");
}

const safeCapabilities = new Set(
  ("AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT")
    .split(" "),
);
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);
const safeSelinuxTypes = new Set([
  "",
  "container_t",
  "container_init_t",
  "container_kvm_t",
  "container_engine_t",
]);
const plainVolumes = new Set([
  "name",
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);
const apparmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

/** Rules of `baseline` that `restricted` has too, in the order in which they are told. */
const baseline: readonly Check[] = [
  function appArmor({ spec, annotations, containers }) {
    const bad = Object.entries(annotations).filter(([key, value]) =>
      key.startsWith(apparmorPrefix) && value !== "" && value !== "runtime/default" && !value.startsWith("localhost/")
    ).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const isUnconfined = ({ appArmorProfile }: { appArmorProfile?: { type: string } }) =>
      appArmorProfile?.type === "Unconfined";
    const pod = { spec, annotations, containers };
    const who = setters(
      pod,
      isUnconfined(spec.securityContext ?? {}),
      ({ securityContext }) => isUnconfined(securityContext ?? {}),
    );
    if (who !== undefined) bad.push(`${who} must not set AppArmor profile type to "Unconfined"`);
    if (bad.length === 0) return undefined;
    return {
      reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", bad.length),
      detail: bad.sort().join(", "),
    };
  },
  function hostNamespaces({ spec }) {
    const used = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field] === true);
    if (used.length === 0) return undefined;
    return { reason: "host namespaces", detail: used.map((field) => `${field}=true`).join(", ") };
  },
  function hostPorts({ containers }) {
    const hostPortsOf = ({ ports }: Container) =>
      (ports ?? []).map(({ hostPort }) => hostPort ?? 0).filter((port) => port !== 0);
    const bad = containers.filter((container) => hostPortsOf(container).length > 0);
    const ports = [...new Set(bad.flatMap(hostPortsOf).map(String))].sort();
    if (bad.length === 0) return undefined;
    const verb = plural("uses", "use", bad.length);
    const detail = `${named(bad)} ${verb} ${plural("hostPort", "hostPorts", ports.length)} ${ports.join(", ")}`;
    return { reason: "hostPort", detail };
  },
  function hostsOfProbes({ containers }) {
    const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) =>
      [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
        .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
        .filter((host) => host !== undefined && host !== "");
    const bad = containers.filter((container) => hostsOf(container).length > 0);
    if (bad.length === 0) return undefined;
    const hosts = new Set(bad.flatMap(hostsOf).filter((host) => host !== undefined));
    const what = plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.size);
    const detail = `${named(bad)} ${plural("uses", "use", bad.length)} ${what} ${sorted(hosts)}`;
    return { reason: "probe or lifecycle host", detail };
  },
  must("privileged", "not set securityContext.privileged=true", (one) => one.securityContext?.privileged === true),
  function procMount(pod) {
    const mountOf = ({ securityContext }: Container) => securityContext?.procMount ?? "Default";
    const bad = pod.containers.filter((container) => mountOf(container) !== "Default");
    if (bad.length === 0) return undefined;
    const detail = `${named(bad)} must not set securityContext.procMount to ${sorted(bad.map(mountOf))}`;
    return { reason: "procMount", detail };
  },
  function seLinuxOptions(pod) {
    const optionsOf = ({ securityContext }: Pick<Container, "securityContext">) =>
      securityContext?.seLinuxOptions ?? {};
    const isBad = (one: ReturnType<typeof optionsOf>) =>
      !safeSelinuxTypes.has(one.type ?? "") || (one.user ?? "") !== "" || (one.role ?? "") !== "";
    const own = pod.spec.securityContext?.seLinuxOptions ?? {};
    const who = setters(pod, isBad(own), (container) => isBad(optionsOf(container)));
    if (who === undefined) return undefined;
    const all = [own, ...pod.containers.map(optionsOf)];
    const types = new Set(all.map(({ type }) => type ?? "").filter((type) => !safeSelinuxTypes.has(type)));
    const told = [
      ...(types.size === 0 ? [] : [`${plural("type", "types", types.size)} ${sorted(types)}`]),
      ...(all.some(({ user }) => (user ?? "") !== "") ? ["user may not be set"] : []),
      ...(all.some(({ role }) => (role ?? "") !== "") ? ["role may not be set"] : []),
    ];
    const detail = `${who} set forbidden securityContext.seLinuxOptions: ${told.join("; ")}`;
    return { reason: "seLinuxOptions", detail };
  },
  function sysctls({ spec }) {
    const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safeSysctls.has(name));
    return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
  },
  function windowsHostProcess(pod) {
    const who = setters(
      pod,
      pod.spec.securityContext?.windowsOptions?.hostProcess === true,
      ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true,
    );
    if (who === undefined) return undefined;
    return { reason: "hostProcess", detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
  },
];

/** Rules of `baseline` in whose place `restricted` has a stricter one. */
const loosened: readonly Check[] = [
  function capabilities(pod) {
    const added = ({ securityContext }: Container) =>
      (securityContext?.capabilities?.add ?? []).filter((one) => !safeCapabilities.has(one));
    const bad = pod.containers.filter((container) => added(container).length > 0);
    if (bad.length === 0) return undefined;
    const detail = `${named(bad)} must not include ${sorted(bad.flatMap(added))} in securityContext.capabilities.add`;
    return { reason: "non-default capabilities", detail };
  },
  function hostPath({ spec }) {
    const bad = (spec.volumes ?? []).filter((volume) => (volume.hostPath ?? undefined) !== undefined).map(({ name }) =>
      name
    );
    if (bad.length === 0) return undefined;
    return { reason: "hostPath volumes", detail: `${plural("volume", "volumes", bad.length)} ${quoted(bad)}` };
  },
  function seccomp(pod) {
    const isBad = (type: string | undefined) => type === "Unconfined";
    const who = setters(
      pod,
      isBad(pod.spec.securityContext?.seccompProfile?.type),
      ({ securityContext }) => isBad(securityContext?.seccompProfile?.type),
    );
    if (who === undefined) return undefined;
    return {
      reason: "seccompProfile",
      detail: `${who} must not set securityContext.seccompProfile.type to "Unconfined"`,
    };
  },
];

const restricted: readonly Check[] = [
  must(
    "allowPrivilegeEscalation != false",
    "set securityContext.allowPrivilegeEscalation=false",
    (one) => one.securityContext?.allowPrivilegeEscalation !== false,
  ),
  function capabilities(pod) {
    const keeps = pod.containers.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes("ALL"));
    const added = ({ securityContext }: Container) =>
      (securityContext?.capabilities?.add ?? []).filter((one) => one !== "NET_BIND_SERVICE");
    const adds = pod.containers.filter((container) => added(container).length > 0);
    const told = [
      ...(keeps.length === 0 ? [] : [`${named(keeps)} must set securityContext.capabilities.drop=["ALL"]`]),
      ...(adds.length === 0
        ? []
        : [`${named(adds)} must not include ${sorted(adds.flatMap(added))} in securityContext.capabilities.add`]),
    ];
    return told.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: told.join("; ") };
  },
  function volumes({ spec }) {
    const typesOf = (volume: object) =>
      Object.entries(volume).filter(([field, value]) => !plainVolumes.has(field) && value !== null).map(([field]) =>
        field
      );
    const bad = (spec.volumes ?? []).filter((volume) => typesOf(volume).length > 0);
    if (bad.length === 0) return undefined;
    const types = new Set(bad.flatMap(typesOf));
    const names = `${plural("volume", "volumes", bad.length)} ${quoted(bad.map(({ name }) => name))}`;
    const what = plural("restricted volume type", "restricted volume types", types.size);
    const detail = `${names} ${plural("uses", "use", bad.length)} ${what} ${sorted(types)}`;
    return { reason: "restricted volume types", detail };
  },
  function runAsNonRoot(pod) {
    const own = pod.spec.securityContext?.runAsNonRoot;
    const who = setters(pod, own === false, ({ securityContext }) => securityContext?.runAsNonRoot === false);
    const reason = "runAsNonRoot != true";
    if (who !== undefined) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
    if (own === true) return undefined;
    const unset = among(pod, ({ securityContext }) => securityContext?.runAsNonRoot !== true);
    if (unset === undefined) return undefined;
    return { reason, detail: `pod or ${unset} must set securityContext.runAsNonRoot=true` };
  },
  function runAsUser(pod) {
    const who = setters(
      pod,
      pod.spec.securityContext?.runAsUser === 0,
      ({ securityContext }) => securityContext?.runAsUser === 0,
    );
    return who === undefined ? undefined : { reason: "runAsUser=0", detail: `${who} must not set runAsUser=0` };
  },
  function seccomp(pod) {
    const reason = "seccompProfile";
    const isGood = (type: string | undefined) => type === "RuntimeDefault" || type === "Localhost";
    const typeOf = ({ securityContext }: Container) => securityContext?.seccompProfile?.type;
    const own = pod.spec.securityContext?.seccompProfile?.type;
    const bad = (type: string | undefined) => type !== undefined && !isGood(type);
    const who = setters(pod, bad(own), (container) => bad(typeOf(container)));
    if (who !== undefined) {
      const types = [own, ...pod.containers.map(typeOf)].filter((type) => type !== undefined && !isGood(type));
      const detail = `${who} must not set securityContext.seccompProfile.type to ${sorted(types as string[])}`;
      return { reason, detail };
    }
    if (isGood(own)) return undefined;
    const unset = among(pod, (container) => typeOf(container) === undefined);
    if (unset === undefined) return undefined;
    const detail = `pod or ${unset} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
    return { reason, detail };
  },
];
