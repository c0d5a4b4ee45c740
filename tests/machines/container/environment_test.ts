import { assertEquals, assertThrows } from "@std/assert";
import {
  ConfigError,
  environmentOf,
  type EnvironmentSources,
  needsAddress,
  serviceVariables,
} from "../../../machines/container/environment.ts";
import { expand } from "../../../machines/container/expansion.ts";
import type { Container, Pod, Service } from "../../../machines/objects/object.ts";

const pod = {
  metadata: { name: "web", namespace: "default", uid: "u", labels: { app: "web" } },
  spec: { containers: [], nodeName: "n1", serviceAccountName: "sa" },
} as unknown as Pod;
const sources: EnvironmentSources = {
  configMap: (name) => name === "cm" ? { data: { A: "a", B: "b" } } as never : undefined,
  secret: (name) => name === "s" ? { data: { K: btoa("k") } } as never : undefined,
  services: [],
  node: { nodeName: "n1", hostIPs: ["10.0.0.1"], cpu: "4", memory: "8Gi", ephemeralStorage: "1Gi" },
  podIPs: ["10.1.0.2"],
};
const of = (container: Partial<Container>) =>
  Object.fromEntries(environmentOf(pod, { name: "app", ...container } as Container, sources));

Deno.test("environmentOf lets later sources win and expands what was defined before", () => {
  assertEquals(
    of({
      envFrom: [{ configMapRef: { name: "cm" } }, { prefix: "S_", secretRef: { name: "s" } }],
      env: [{ name: "A", value: "own" }, { name: "C", value: "$(A)$(S_K)$(LATER)" }, { name: "LATER", value: "x" }],
    }),
    { A: "own", B: "b", S_K: "k", C: "ownk$(LATER)", LATER: "x" },
  );
});

const fields: [string, string][] = [
  ["metadata.name", "web"],
  ["metadata.labels['app']", "web"],
  ["spec.serviceAccountName", "sa"],
  ["status.podIP", "10.1.0.2"],
  ["status.hostIP", "10.0.0.1"],
];
for (const [fieldPath, value] of fields) {
  Deno.test(`environmentOf knows ${fieldPath}`, () => {
    assertEquals(of({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath } } }] }), { X: value });
  });
}

const amounts: [string, string | undefined, Container["resources"], string][] = [
  ["limits.cpu", undefined, { limits: { cpu: "1500m" } }, "2"],
  ["limits.cpu", "1m", { limits: { cpu: "1500m" } }, "1500"],
  ["limits.cpu", undefined, {}, "4"],
  ["requests.memory", "1Mi", { requests: { memory: "64Mi" } }, "64"],
  ["requests.memory", undefined, {}, "0"],
];
for (const [resource, divisor, resources, value] of amounts) {
  Deno.test(`environmentOf gives ${resource} of ${JSON.stringify(resources)} in units of ${divisor ?? 1}`, () => {
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) };
    assertEquals(of({ resources, env: [{ name: "X", valueFrom: { resourceFieldRef } }] } as never), { X: value });
  });
}

const missing: [Container["env"], string][] = [
  [[{ name: "X", valueFrom: { configMapKeyRef: { name: "absent", key: "A" } } }], 'configmap "absent" not found'],
  [
    [{ name: "X", valueFrom: { configMapKeyRef: { name: "cm", key: "Z" } } }],
    "couldn't find key Z in ConfigMap default/cm",
  ],
  [[{ name: "X", valueFrom: { secretKeyRef: { name: "s", key: "Z" } } }], "couldn't find key Z in Secret default/s"],
];
for (const [env, message] of missing) {
  Deno.test(`environmentOf says: ${message}`, () => {
    assertThrows(() => of({ env } as Partial<Container>), ConfigError, message);
    const optional = structuredClone(env!) as never as { valueFrom: Record<string, Record<string, unknown>> }[];
    for (const source of Object.values(optional[0]!.valueFrom)) source.optional = true;
    assertEquals(of({ env: optional } as never), {});
  });
}

Deno.test("serviceVariables names services of the namespace, and the master everywhere", () => {
  const service = (name: string, namespace: string, clusterIP: string, ports: object[]) =>
    ({ metadata: { name, namespace }, spec: { clusterIP, ports } }) as unknown as Service;
  const services = [
    service("my-db", "default", "10.96.0.5", [{ name: "sql", port: 5432 }, { name: "dns", port: 53, protocol: "UDP" }]),
    service("kubernetes", "default", "10.96.0.1", [{ name: "https", port: 443 }]),
    service("headless", "default", "None", [{ port: 80 }]),
    service("other", "elsewhere", "10.96.0.9", [{ port: 80 }]),
  ];
  const found = Object.fromEntries(serviceVariables(pod, services));
  assertEquals(found.MY_DB_SERVICE_HOST, "10.96.0.5");
  assertEquals(found.MY_DB_SERVICE_PORT, "5432");
  assertEquals(found.MY_DB_SERVICE_PORT_DNS, "53");
  assertEquals(found.MY_DB_PORT, "tcp://10.96.0.5:5432");
  assertEquals(found.MY_DB_PORT_53_UDP_PROTO, "udp");
  assertEquals(Object.keys(found).some((name) => /^(HEADLESS|OTHER)/.test(name)), false);
  const without = { ...pod, spec: { ...pod.spec, enableServiceLinks: false } } as Pod;
  assertEquals([...serviceVariables(without, services).keys()].every((name) => name.startsWith("KUBERNETES_")), true);
});

const texts: [string, string][] = [
  ["$(A)", "1"],
  ["$$(A)", "$(A)"],
  ["$(Z)", "$(Z)"],
  ["$(A", "$(A"],
  ["a$b $", "a$b $"],
  ["$(A)$(B)", "12"],
  ["$$$(A)", "$1"],
];
for (const [text, expanded] of texts) {
  Deno.test(`expand makes ${JSON.stringify(text)} ${JSON.stringify(expanded)}`, () => {
    assertEquals(expand(text, new Map([["A", "1"], ["B", "2"]])), expanded);
  });
}

Deno.test("needsAddress finds the pod's own address in the environment", () => {
  const env = (fieldPath: string) => ({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath } } }] }) as Container;
  assertEquals([needsAddress(env("status.podIP")), needsAddress(env("status.hostIP"))], [true, false]);
});
