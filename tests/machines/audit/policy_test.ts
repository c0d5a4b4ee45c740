import { assertEquals, assertThrows } from "@std/assert";
import { type AuditedRequest, judge, parsePolicy } from "../../../machines/audit/policy.ts";

const base: AuditedRequest = {
  user: { name: "jane", groups: ["dev", "system:authenticated"] },
  verb: "get",
  path: "/api/v1/namespaces/shop/pods/web",
  resourceRequest: true,
  group: "",
  resource: "pods",
  subresource: "",
  namespace: "shop",
  name: "web",
};
const log: AuditedRequest = { ...base, subresource: "log" };
const status: AuditedRequest = { ...base, subresource: "status" };
const role: AuditedRequest = { ...base, group: "rbac.authorization.k8s.io", resource: "clusterroles", namespace: "" };
const health: AuditedRequest = { ...base, path: "/healthz/ping", resourceRequest: false, resource: "", namespace: "" };
const nobody: AuditedRequest = { ...base, user: undefined } as unknown as AuditedRequest;

const cases: { name: string; rule: object; matched: AuditedRequest[]; passed: AuditedRequest[] }[] = [
  { name: "without conditions matches everything", rule: {}, matched: [base, log, role, health, nobody], passed: [] },
  { name: "goes by users", rule: { users: ["jane"] }, matched: [base], passed: [nobody] },
  { name: "goes by any of the user's groups", rule: { userGroups: ["x", "dev"] }, matched: [base], passed: [nobody] },
  { name: "goes by verbs", rule: { verbs: ["list"] }, matched: [], passed: [base] },
  { name: "goes by namespaces", rule: { namespaces: ["shop"] }, matched: [base], passed: [role, health] },
  { name: 'takes "" for no namespace', rule: { namespaces: [""] }, matched: [role], passed: [base, health] },
  {
    name: "about a resource leaves its subresources out",
    rule: { resources: [{ resources: ["pods"] }] },
    matched: [base],
    passed: [log, role, health],
  },
  {
    name: "names a subresource",
    rule: { resources: [{ resources: ["pods/log"] }] },
    matched: [log],
    passed: [base, status],
  },
  {
    name: "may be about a resource with all its subresources",
    rule: { resources: [{ resources: ["pods/*"] }] },
    matched: [base, log, status],
    passed: [role],
  },
  {
    name: "may be about one subresource of all resources",
    rule: { resources: [{ resources: ["*/status"] }] },
    matched: [status],
    passed: [base, log],
  },
  {
    name: "may be about all of a group",
    rule: { resources: [{ group: "rbac.authorization.k8s.io" }] },
    matched: [role],
    passed: [base],
  },
  {
    name: "takes * for all resources",
    rule: { resources: [{ resources: ["*"] }] },
    matched: [base, log],
    passed: [role],
  },
  {
    name: "goes by names of resources",
    rule: { resources: [{ resources: ["pods"], resourceNames: ["web"] }] },
    matched: [base],
    passed: [{ ...base, name: "other" }],
  },
  {
    name: "goes by paths, up to a star",
    rule: { nonResourceURLs: ["/healthz*"] },
    matched: [health],
    passed: [base, { ...health, path: "/metrics" }],
  },
];
for (const { name, rule, matched, passed } of cases) {
  Deno.test(`an audit rule ${name}`, () => {
    const policy = parsePolicy({
      apiVersion: "audit.k8s.io/v1",
      kind: "Policy",
      rules: [{ level: "Request", ...rule }, { level: "Metadata" }],
    });
    assertEquals(matched.map((each) => judge(policy, each).level), matched.map(() => "Request"));
    assertEquals(passed.map((each) => judge(policy, each).level), passed.map(() => "Metadata"));
  });
}

Deno.test("an audit policy's first rule that matches decides, with stages omitted by it and by the policy", () => {
  const policy = parsePolicy({
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    omitManagedFields: true,
    rules: [
      { level: "None", verbs: ["watch"] },
      { level: "RequestResponse", verbs: ["get"], omitStages: ["ResponseStarted"], omitManagedFields: false },
    ],
  });
  assertEquals(judge(policy, base), {
    level: "RequestResponse",
    omitStages: ["RequestReceived", "ResponseStarted"],
    omitManagedFields: false,
  });
  const none = { level: "None", omitStages: ["RequestReceived"], omitManagedFields: true };
  assertEquals(judge(policy, { ...base, verb: "watch" }), none as ReturnType<typeof judge>);
  assertEquals(judge(policy, { ...base, verb: "list" }), none as ReturnType<typeof judge>);
});

const wrong: { name: string; policy: unknown; why: string }[] = [
  { name: "another kind", policy: { apiVersion: "v1", kind: "Policy" }, why: 'a "Policy" of "audit.k8s.io/v1"' },
  { name: "no rules", policy: { rules: [] }, why: "rules: there must be at least one" },
  { name: "a level that is none", policy: { rules: [{ level: "Full" }] }, why: 'rules[0].level: "Full" is none of' },
  { name: "a member that is none", policy: { rules: [{ level: "None", user: ["x"] }] }, why: "rules[0].user: " },
  { name: "a stage that is none", policy: { omitStages: ["X"], rules: [{ level: "None" }] }, why: 'omitStages: "X"' },
  {
    name: "resources beside paths",
    policy: { rules: [{ level: "None", namespaces: ["a"], nonResourceURLs: ["/x"] }] },
    why: "not about both",
  },
  {
    name: "a star inside a path",
    policy: { rules: [{ level: "None", nonResourceURLs: ["/a*/b"] }] },
    why: 'must begin with "/" and may end in "*"',
  },
  {
    name: "names without resources",
    policy: { rules: [{ level: "None", resources: [{ resourceNames: ["a"] }] }] },
    why: "names need the resources that have them",
  },
  {
    name: "a version in a group",
    policy: { rules: [{ level: "None", resources: [{ group: "apps/v1" }] }] },
    why: "without a version",
  },
];
for (const { name, policy, why } of wrong) {
  Deno.test(`parsePolicy refuses ${name}`, () => {
    const whole = { apiVersion: "audit.k8s.io/v1", kind: "Policy", ...policy as object };
    assertThrows(() => parsePolicy(whole), Error, why);
  });
}
