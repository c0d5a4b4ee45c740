import { assertEquals } from "@std/assert";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { formatQuantity } from "../../../machines/objects/quantity.ts";
import { inScopes, type QuotaSpec } from "../../../machines/quota/scopes.ts";
import { namesFor, usageOf } from "../../../machines/quota/usage.ts";

const core = (resource: string) => ({ group: "", resource });
const container = (requests: object, limits: object = {}, rest: object = {}) => ({
  name: "c",
  resources: { requests, limits },
  ...rest,
});

const rows: { name: string; of?: { group: string; resource: string }; object: object; used: Record<string, string> }[] =
  [
    {
      name: "a deployment counts for itself",
      of: { group: "apps", resource: "deployments" },
      object: {},
      used: { "count/deployments.apps": "1" },
    },
    {
      name: "a secret counts under both names",
      of: core("secrets"),
      object: {},
      used: { "count/secrets": "1", secrets: "1" },
    },
    {
      name: "a pod counts with what its containers ask for and are limited to",
      object: {
        spec: {
          containers: [
            container({ cpu: "1", memory: "1Gi", "x.y/gpu": "1" }, { cpu: "2" }),
            container({ cpu: "500m" }),
          ],
          overhead: { cpu: "250m" },
        },
      },
      used: {
        "count/pods": "1",
        pods: "1",
        cpu: "1750m",
        "requests.cpu": "1750m",
        memory: "1Gi",
        "requests.memory": "1Gi",
        "requests.x.y/gpu": "1",
        "limits.cpu": "2250m",
      },
    },
    {
      name: "a pod counts with its most demanding moment",
      object: {
        spec: {
          initContainers: [
            container({ cpu: "1" }, {}, { restartPolicy: "Always" }),
            container({ cpu: "4" }),
          ],
          containers: [container({ cpu: "2" })],
        },
      },
      used: { "count/pods": "1", pods: "1", cpu: "5", "requests.cpu": "5" },
    },
    {
      name: "a pod that has ended is only there",
      object: { spec: { containers: [container({ cpu: "1" })] }, status: { phase: "Succeeded" } },
      used: { "count/pods": "1" },
    },
    {
      name: "a service with a load balancer takes node ports",
      of: core("services"),
      object: { spec: { type: "LoadBalancer", ports: [{ port: 1 }, { port: 2 }] } },
      used: { "count/services": "1", services: "1", "services.loadbalancers": "1", "services.nodeports": "2" },
    },
    {
      name: "a claim counts for its class, too",
      of: core("persistentvolumeclaims"),
      object: { spec: { storageClassName: "fast", resources: { requests: { storage: "2Gi" } } } },
      used: {
        "count/persistentvolumeclaims": "1",
        persistentvolumeclaims: "1",
        "requests.storage": "2Gi",
        "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "fast.storageclass.storage.k8s.io/requests.storage": "2Gi",
      },
    },
  ];
for (const { name, of = core("pods"), object, used } of rows) {
  Deno.test(`usageOf: ${name}`, () => {
    const found = usageOf(of, { metadata: { name: "x" }, ...object } as unknown as KubeObject);
    assertEquals(Object.fromEntries([...found].map(([key, amount]) => [key, formatQuantity(amount)])), used);
    assertEquals(namesFor(of, Object.keys(used)), Object.keys(used));
  });
}

const scoped: { name: string; quota: QuotaSpec; spec: object; fits: boolean }[] = [
  {
    name: "Terminating takes pods with a deadline",
    quota: { scopes: ["Terminating"] },
    spec: { activeDeadlineSeconds: 0 },
    fits: true,
  },
  {
    name: "NotTerminating leaves them",
    quota: { scopes: ["NotTerminating"] },
    spec: { activeDeadlineSeconds: 5 },
    fits: false,
  },
  {
    name: "BestEffort takes pods that ask for nothing",
    quota: { scopes: ["BestEffort"] },
    spec: { containers: [] },
    fits: true,
  },
  {
    name: "all scopes must fit",
    quota: { scopes: ["NotBestEffort", "NotTerminating"] },
    spec: { containers: [container({ cpu: "1" })], activeDeadlineSeconds: 5 },
    fits: false,
  },
  {
    name: "PriorityClass takes those it names",
    quota: { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }] } },
    spec: { priorityClassName: "high" },
    fits: true,
  },
  {
    name: "PriorityClass leaves those without",
    quota: { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists" }] } },
    spec: {},
    fits: false,
  },
  {
    name: "CrossNamespacePodAffinity takes pods that look elsewhere",
    quota: { scopes: ["CrossNamespacePodAffinity"] },
    spec: {
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "x", namespaces: ["o"] }] },
      },
    },
    fits: true,
  },
];
for (const { name, quota, spec, fits } of scoped) {
  Deno.test(`inScopes: ${name}`, () => {
    const pod = { metadata: { name: "p" }, spec } as unknown as KubeObject;
    assertEquals(inScopes(quota, core("pods"), pod), fits);
    assertEquals(inScopes(quota, core("secrets"), pod), false);
  });
}
