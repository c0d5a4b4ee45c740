import { assertEquals } from "@std/assert";
import { type Level, violationsOf } from "../../../http/admission/pod_security_checks.ts";
import type { Container, PodSpec } from "../../../machines/objects/object.ts";

/** A container that violates nothing. */
const good: NonNullable<Container["securityContext"]> = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};
const container = (name: string, securityContext: object = {}, rest: object = {}): Container => ({
  name,
  image: "i",
  securityContext: { ...good, ...securityContext },
  ...rest,
});

const cases: {
  name: string;
  spec: Partial<PodSpec>;
  annotations?: Record<string, string>;
  baseline: string[];
  restricted: string[];
}[] = [
  { name: "a pod that keeps every rule", spec: { containers: [container("c")] }, baseline: [], restricted: [] },
  {
    name: "a pod that says nothing",
    spec: { containers: [{ name: "c", image: "i" }] },
    baseline: [],
    restricted: [
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
  },
  {
    name: "the host's namespaces",
    spec: { containers: [container("c")], hostNetwork: true, hostPID: true },
    baseline: ["host namespaces (hostNetwork=true, hostPID=true)"],
    restricted: ["host namespaces (hostNetwork=true, hostPID=true)"],
  },
  {
    name: "privileged containers",
    spec: {
      initContainers: [container("a", { privileged: true })],
      containers: [container("b", { privileged: true })],
    },
    baseline: ['privileged (containers "a", "b" must not set securityContext.privileged=true)'],
    restricted: ['privileged (containers "a", "b" must not set securityContext.privileged=true)'],
  },
  {
    name: "added capabilities",
    spec: { containers: [container("c", { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN", "CHOWN"] } })] },
    baseline: [
      'non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    restricted: [
      'unrestricted capabilities (container "c" must not include "CHOWN", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
  },
  {
    name: "volumes of the host",
    spec: {
      containers: [container("c")],
      volumes: [{ name: "h", hostPath: { path: "/" } }, { name: "e", emptyDir: {} }],
    },
    baseline: ['hostPath volumes (volume "h")'],
    restricted: ['restricted volume types (volume "h" uses restricted volume type "hostPath")'],
  },
  {
    name: "ports of the host",
    spec: {
      containers: [
        container("c", {}, { ports: [{ containerPort: 80, hostPort: 80 }, { containerPort: 1, hostPort: 9 }] }),
      ],
    },
    baseline: ['hostPort (container "c" uses hostPorts 80, 9)'],
    restricted: ['hostPort (container "c" uses hostPorts 80, 9)'],
  },
  {
    name: "a probe of another host",
    spec: { containers: [container("c", {}, { livenessProbe: { tcpSocket: { port: 1, host: "10.0.0.1" } } })] },
    baseline: ['probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")'],
    restricted: ['probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")'],
  },
  {
    name: "no confinement",
    spec: { containers: [container("c", { seccompProfile: { type: "Unconfined" }, procMount: "Unmasked" })] },
    annotations: { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" },
    baseline: [
      'forbidden AppArmor profile (container.apparmor.security.beta.kubernetes.io/c="unconfined")',
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    restricted: [
      'forbidden AppArmor profile (container.apparmor.security.beta.kubernetes.io/c="unconfined")',
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
  },
  {
    name: "the pod's own security context",
    spec: {
      containers: [container("c", { runAsUser: 0 })],
      securityContext: {
        runAsNonRoot: false,
        sysctls: [{ name: "kernel.msgmax", value: "1" }, { name: "net.ipv4.tcp_syncookies", value: "1" }],
        seLinuxOptions: { type: "spc_t", user: "u" },
      },
    },
    baseline: [
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
      "forbidden sysctls (kernel.msgmax)",
    ],
    restricted: [
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
      "forbidden sysctls (kernel.msgmax)",
      "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
      'runAsUser=0 (container "c" must not set runAsUser=0)',
    ],
  },
];

for (const { name, spec, annotations, ...expected } of cases) {
  Deno.test(`pod security judges ${name}`, () => {
    const told = (level: Level) =>
      violationsOf(level, spec as PodSpec, annotations).map(({ reason, detail }) => `${reason} (${detail})`);
    assertEquals({ privileged: told("privileged"), baseline: told("baseline"), restricted: told("restricted") }, {
      privileged: [],
      ...expected,
    });
  });
}
