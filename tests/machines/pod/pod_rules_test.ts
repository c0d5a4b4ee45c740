import { assertEquals } from "@std/assert";
import { cgroupResources } from "../../../machines/container/resources.ts";
import { securityOf } from "../../../machines/container/security.ts";
import type { Container, Pod } from "../../../machines/objects/object.ts";
import { dnsConfigOf, parseResolverConfig } from "../../../machines/pod/dns_config.ts";
import { hostnameOf, hostsFile } from "../../../machines/pod/hosts_file.ts";
import { attemptOf, containerName } from "../../../machines/pod/pod_names.ts";
import { oomScoreAdj, qosClassOf } from "../../../machines/pod/qos.ts";
import { refusalOf } from "../../../machines/kubelet/admission.ts";

const pod = (spec: object, metadata: object = {}) =>
  ({
    metadata: { name: "web", namespace: "default", uid: "u1", ...metadata },
    spec: { containers: [], ...spec },
  }) as unknown as Pod;
const withResources = (...all: object[]) =>
  pod({ containers: all.map((resources, index) => ({ name: `c${index}`, resources })) });

const classes: [string, Pod, string][] = [
  ["no container asks for anything", withResources({}), "BestEffort"],
  ["limits are requests", withResources({ limits: { cpu: "1", memory: "1Gi" } }), "Guaranteed"],
  [
    "both are named and equal",
    withResources({ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } }),
    "Guaranteed",
  ],
  [
    "one container asks for less",
    withResources({ limits: { cpu: "1", memory: "1Gi" } }, { requests: { cpu: "1" } }),
    "Burstable",
  ],
  ["there is a request alone", withResources({ requests: { memory: "1Mi" } }), "Burstable"],
];
for (const [when, of, wanted] of classes) {
  Deno.test(`qosClassOf is ${wanted} when ${when}`, () => assertEquals(qosClassOf(of), wanted));
}

Deno.test("oomScoreAdj lets those die first that ask for least", () => {
  const score = (of: Pod) => oomScoreAdj(of, of.spec!.containers[0] as Container, 8 * 2 ** 30);
  assertEquals(classes.slice(0, 2).map(([, of]) => score(of)), [1000, -997]);
  assertEquals(score(withResources({ requests: { memory: "4Gi" } })), 500);
  assertEquals(score(withResources({ requests: { memory: "1Mi" } })), 999);
});

const cgroups: [object, object][] = [
  [{}, { cpuShares: 2 }],
  [{ requests: { cpu: "500m" } }, { cpuShares: 512 }],
  [{ limits: { cpu: "1", memory: "64Mi" } }, {
    cpuShares: 1024,
    cpuQuota: 100_000,
    cpuPeriod: 100_000,
    memoryBytes: 67_108_864,
  }],
  [{ limits: { cpu: "5m" } }, { cpuShares: 5, cpuQuota: 1000, cpuPeriod: 100_000 }],
];
for (const [resources, wanted] of cgroups) {
  Deno.test(`cgroupResources of ${JSON.stringify(resources)}`, () =>
    assertEquals(cgroupResources({ resources }) as object, wanted));
}

const host = parseResolverConfig("nameserver 1.1.1.1\nsearch corp.example\noptions timeout:1\n");
const cluster = { server: "10.96.0.10", domain: "cluster.local" };
const searches = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"];
const resolvers: [string, object, object][] = [
  ["ClusterFirst", {}, { servers: ["10.96.0.10"], searches, options: ["ndots:5"] }],
  ["ClusterFirst on the host's network", { hostNetwork: true }, host],
  ["ClusterFirstWithHostNet", { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }, {
    servers: ["10.96.0.10"],
    searches,
    options: ["ndots:5"],
  }],
  ["Default", { dnsPolicy: "Default" }, host],
  [
    "None with a config",
    {
      dnsPolicy: "None",
      dnsConfig: {
        nameservers: ["9.9.9.9"],
        searches: ["a"],
        options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
      },
    },
    { servers: ["9.9.9.9"], searches: ["a"], options: ["ndots:2", "edns0"] },
  ],
];
for (const [name, spec, wanted] of resolvers) {
  Deno.test(`dnsConfigOf under ${name}`, () => assertEquals(dnsConfigOf(pod(spec), cluster, host) as object, wanted));
}

Deno.test("hostsFile names the pod, its subdomain and its aliases", () => {
  const file = hostsFile(
    pod({ hostname: "h", subdomain: "sub", hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] }),
    ["10.1.0.2"],
    "cluster.local",
    "",
  );
  assertEquals(file.includes("10.1.0.2\th.sub.default.svc.cluster.local\th\n"), true);
  assertEquals(file.endsWith("\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"), true);
});

Deno.test("hostnameOf cuts long names and leaves no separator at the end", () => {
  const name = `${"a".repeat(62)}-${"b".repeat(10)}`;
  assertEquals(hostnameOf(pod({}, { name })), "a".repeat(62));
});

Deno.test("attemptOf reads the attempt back from a name and nothing from the names of others", () => {
  assertEquals(containerName(pod({}), "app", 3), "k8s_app_web_default_u1_3");
  assertEquals([attemptOf("k8s_app_web_default_u1_3"), attemptOf("web"), attemptOf("k8s_a_b_c_d_x")], [
    3,
    undefined,
    undefined,
  ]);
});

const contexts: [string, object, object, object][] = [
  ["nothing is said", {}, {}, { seccomp: "unconfined" }],
  ["pod and container both speak", { runAsUser: 1, fsGroup: 5, supplementalGroups: [7] }, {
    runAsUser: 2,
    runAsGroup: 3,
  }, { user: "2:3", groups: ["7", "5"], seccomp: "unconfined" }],
  ["only a group is given", {}, { runAsGroup: 3 }, { user: "0:3", seccomp: "unconfined" }],
  ["it is privileged", {}, { privileged: true }, { privileged: true }],
  [
    "it is confined",
    { seccompProfile: { type: "RuntimeDefault" } },
    {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
    },
    {
      addCapabilities: ["NET_ADMIN"],
      dropCapabilities: ["ALL"],
      readOnlyRoot: true,
      noNewPrivileges: true,
      seccomp: "default",
    },
  ],
];
for (const [when, ofPod, own, wanted] of contexts) {
  Deno.test(`securityOf when ${when}`, () => {
    const container = { name: "app", securityContext: own } as Container;
    assertEquals(securityOf(pod({ securityContext: ofPod }), container, "") as object, wanted);
  });
}

const node = { labels: { disk: "ssd" }, cpu: "2", memory: "1Gi", pods: 2 };
const asks = (cpu: string, more: object = {}) =>
  pod({ containers: [{ name: "a", resources: { requests: { cpu } } }], ...more });
const port = { containers: [{ name: "a", ports: [{ containerPort: 80, hostPort: 80 }] }] };
const admissions: [string, Pod, Pod[], string | undefined][] = [
  ["it fits", asks("1"), [asks("1")], undefined],
  ["the CPUs are used", asks("1500m"), [asks("1")], "OutOfcpu"],
  ["there are too many pods", asks("0"), [asks("0"), asks("0")], "OutOfpods"],
  ["the node has other labels", asks("0", { nodeSelector: { disk: "hdd" } }), [], "NodeAffinity"],
  ["the host's port is taken", pod(port), [pod(port)], "NodePorts"],
  ["it is for another system", asks("0", { os: { name: "windows" } }), [], "PodOSNotSupported"],
];
for (const [when, wanted, others, reason] of admissions) {
  Deno.test(`refusalOf is ${reason ?? "none"} when ${when}`, () =>
    assertEquals(refusalOf(wanted, others, node)?.reason, reason));
}
