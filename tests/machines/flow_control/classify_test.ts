import { assertEquals } from "@std/assert";
import defaults from "../../../http/flow_control/generated/default_objects.json" with { type: "json" };
import {
  distinguisherOf,
  type FlowRequest,
  type FlowSchema,
  inOrder,
  matches,
} from "../../../machines/flow_control/classify.ts";

const schemas = inOrder(defaults.flowschemas as unknown as FlowSchema[]);

const base: FlowRequest = {
  user: { name: "jane", groups: ["system:authenticated"] },
  verb: "get",
  path: "",
  resourceRequest: true,
  group: "",
  resource: "pods",
  subresource: "",
  namespace: "ns",
};
const as = (name: string, ...groups: string[]) => ({ user: { name, groups: [...groups, "system:authenticated"] } });
const account = (namespace: string, name: string) =>
  as(`system:serviceaccount:${namespace}:${name}`, "system:serviceaccounts", `system:serviceaccounts:${namespace}`);
const lease = { group: "coordination.k8s.io", resource: "leases", verb: "update", namespace: "kube-node-lease" };
const health = { resourceRequest: false, path: "/readyz", resource: "", namespace: "" };

const cases: [name: string, request: Partial<FlowRequest>, schema: string, distinguisher: string][] = [
  ["the administrator's", as("admin", "system:masters"), "exempt", ""],
  ["a probe's", { ...health, user: { name: "system:anonymous", groups: ["system:unauthenticated"] } }, "probes", ""],
  ["somebody's", {}, "global-default", "jane"],
  ["a node's lease", { ...as("system:node:a", "system:nodes"), ...lease }, "system-node-high", "system:node:a"],
  ["a node's pod", as("system:node:a", "system:nodes"), "system-nodes", "system:node:a"],
  ["the scheduler's", as("system:kube-scheduler"), "kube-scheduler", "ns"],
  [
    "the scheduler's own lease",
    { ...as("system:kube-scheduler"), ...lease },
    "system-leader-election",
    "system:kube-scheduler",
  ],
  ["a controller's of the system", account("kube-system", "x"), "kube-system-service-accounts", "ns"],
  ["a pod's", account("shop", "default"), "service-accounts", "system:serviceaccount:shop:default"],
  [
    "nobody's",
    { user: { name: "system:anonymous", groups: ["system:unauthenticated"] } },
    "global-default",
    "system:anonymous",
  ],
];
for (const [name, change, schema, distinguisher] of cases) {
  Deno.test(`the default schemas put ${name} requests into ${schema}`, () => {
    const request = { ...base, ...change };
    const found = schemas.find((each) => matches(each, request));
    assertEquals([found?.metadata.name, distinguisherOf(found!, request)], [schema, distinguisher]);
  });
}

Deno.test("a rule about namespaces leaves out what is in none, unless it says so, and subresources are resources of their own", () => {
  const schema = (rule: object): FlowSchema =>
    ({
      metadata: { name: "s" },
      spec: {
        priorityLevelConfiguration: { name: "l" },
        rules: [{
          subjects: [{ kind: "User", user: { name: "*" } }],
          resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["pods"], namespaces: ["*"], ...rule }],
        }],
      },
    }) as unknown as FlowSchema;
  const inNone = { ...base, namespace: "" };
  assertEquals(
    [{}, { clusterScope: true }, { namespaces: ["x"] }, { resources: ["pods/log"] }].map((rule) => [
      matches(schema(rule), base),
      matches(schema(rule), inNone),
      matches(schema(rule), { ...base, subresource: "log" }),
    ]),
    [[true, false, false], [true, true, false], [false, false, false], [false, false, true]],
  );
});
