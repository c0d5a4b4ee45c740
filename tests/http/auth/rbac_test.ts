import { assertEquals } from "@std/assert";
import { bootstrapPolicy, reconcileBootstrapPolicy } from "../../../http/auth/bootstrap.ts";
import { forbiddenRequest } from "../../../http/auth/forbidden.ts";
import { nodeAuthorizer, podsOfNode } from "../../../http/auth/node_authorizer.ts";
import { escalationCheck } from "../../../http/auth/rbac/escalation.ts";
import { RbacPolicy } from "../../../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../../../http/auth/rbac/rbac_authorizer.ts";
import { reviews } from "../../../http/auth/reviews.ts";
import type { ServiceAccountTokens } from "../../../http/auth/tokens/service_account_tokens.ts";
import type { AdmissionRequest, RequestAttributes, UserInfo } from "../../../http/machinery/types.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { scenario } from "../oracle.ts";
import { MemoryApi, stillClock } from "./memory_api.ts";
import { request, subresourceRequest, user } from "./requests.ts";

const rbac = (kind: string, name: string, namespace: string | undefined, rest: object) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  ...rest,
});

async function cluster() {
  const api = new MemoryApi();
  await reconcileBootstrapPolicy(api);
  api.put(
    "roles",
    rbac("Role", "rb", "ns1", {
      rules: [{ apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: ["*"] }],
    }),
    rbac("Role", "one", "ns1", {
      rules: [{ apiGroups: [""], resources: ["configmaps"], resourceNames: ["a"], verbs: ["get"] }],
    }),
    rbac("Role", "scale", "ns1", { rules: [{ apiGroups: ["*"], resources: ["*/scale"], verbs: ["update"] }] }),
  );
  api.put(
    "rolebindings",
    rbac("RoleBinding", "rb", "ns1", {
      roleRef: { kind: "Role", name: "rb" },
      subjects: [{ kind: "User", name: "carl" }],
    }),
    rbac("RoleBinding", "v", "ns1", {
      roleRef: { kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "sa" }],
    }),
    rbac("RoleBinding", "one", "ns1", {
      roleRef: { kind: "Role", name: "one" },
      subjects: [{ kind: "Group", name: "team" }],
    }),
    rbac("RoleBinding", "scale", "ns1", {
      roleRef: { kind: "Role", name: "scale" },
      subjects: [{ kind: "Group", name: "team" }],
    }),
    rbac("RoleBinding", "lost", "ns1", {
      roleRef: { kind: "ClusterRole", name: "gone" },
      subjects: [{ kind: "User", name: "lost" }],
    }),
  );
  const policy = new RbacPolicy();
  const following = policy.follow(api, stillClock);
  await following.ready;
  const authorizer = anyOf(mastersAuthorizer, nodeAuthorizer(policy, podsOfNode(api)), rbacAuthorizer(policy));
  return { api, policy, authorizer };
}

const all = "system:authenticated";
const users: Record<string, UserInfo> = {
  root: user("root", "system:masters", all),
  admin: user("kubernetes-admin", "kubeadm:cluster-admins", all),
  scheduler: user("system:kube-scheduler", all),
  manager: user("system:kube-controller-manager", all),
  node: user("system:node:n1", "system:nodes", all),
  bob: user("bob", all),
  carl: user("carl", all),
  team: user("tina", "team", all),
  account: user("system:serviceaccount:ns1:sa", "system:serviceaccounts", "system:serviceaccounts:ns1", all),
  nobody: user("system:anonymous", "system:unauthenticated"),
  lost: user("lost", all),
};

/** Who may, of everybody in `users`. */
const matrix: Record<string, string> = {
  "get /healthz": "everybody",
  "get /version": "everybody",
  "get /api/v1": "everybody but nobody",
  "get /openid/v1/jwks": "root admin account",
  "get /metrics": "root admin",
  "delete nodes n1": "root admin",
  "list pods in ns1": "root admin scheduler manager account",
  "list pods": "root admin scheduler manager",
  "get pods/log x in ns1": "root admin account",
  "create pods/exec x in ns1": "root admin",
  "create pods/binding x in ns1": "root admin scheduler",
  "create pods in ns1": "root admin node",
  "get secrets s in ns1": "root admin manager",
  "get secrets used in ns1": "root admin manager node",
  "list secrets in ns1": "root admin manager",
  "get configmaps a in ns1": "root admin manager node team account",
  "get configmaps b in ns1": "root admin manager account",
  "list configmaps in ns1": "root admin manager account",
  "update apps:deployments/scale d in ns1": "root admin team",
  "update nodes/status n1": "root admin node",
  "update nodes/status n2": "root admin",
  "update coordination.k8s.io:leases n1 in kube-node-lease": "root admin node",
  "update coordination.k8s.io:leases n2 in kube-node-lease": "root admin",
  "create rbac.authorization.k8s.io:roles in ns1": "root admin carl",
  "create rbac.authorization.k8s.io:roles in ns2": "root admin",
  "create authorization.k8s.io:selfsubjectaccessreviews": "everybody but nobody",
  "create serviceaccounts/token sa in ns1": "root admin node manager",
};

Deno.test("RBAC and node rules give each subject its verbs", async () => {
  const { api, authorizer } = await cluster();
  api.put("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns1" },
    spec: {
      nodeName: "n1",
      serviceAccountName: "sa",
      containers: [{ name: "c", envFrom: [{ configMapRef: { name: "a" } }] }],
      volumes: [{ name: "v", secret: { secretName: "used" } }],
    },
  });
  const found: Record<string, string> = {};
  for (const text of Object.keys(matrix)) {
    const may: string[] = [];
    for (const [name, who] of Object.entries(users)) {
      if ((await authorizer.authorize(request(who, text))).allowed) may.push(name);
    }
    const names = Object.keys(users);
    found[text] = may.length === names.length
      ? "everybody"
      : may.length === names.length - 1 && !may.includes("nobody")
      ? "everybody but nobody"
      : may.join(" ");
  }
  const sorted = (table: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(table).map((
        [text, who],
      ) => [text, who.startsWith("everybody") ? who : who.split(" ").sort().join(" ")]),
    );
  assertEquals(sorted(found), sorted(matrix));
});

const ofNodes: { text: string; fieldSelector?: string; allowed: boolean }[] = [
  { text: "list pods", fieldSelector: "spec.nodeName=n1", allowed: true },
  { text: "watch pods", fieldSelector: "status.phase!=Failed,spec.nodeName=n1", allowed: true },
  { text: "list pods in ns1", fieldSelector: "spec.nodeName=n1", allowed: true },
  { text: "list pods", fieldSelector: "spec.nodeName=n2", allowed: false },
  { text: "list pods", fieldSelector: "spec.nodeName!=n1", allowed: false },
  { text: "list pods", fieldSelector: "spec.nodeName=n1=", allowed: false },
  { text: "watch pods", allowed: false },
  { text: "get pods p in ns1", allowed: true },
  { text: "get pods other in ns1", allowed: false },
  { text: "get pods other in ns1", fieldSelector: "spec.nodeName=n1", allowed: false },
  { text: "watch pods in ns1", fieldSelector: "metadata.name=p", allowed: true },
  { text: "watch pods in ns1", fieldSelector: "metadata.name=other", allowed: false },
  { text: "watch pods", fieldSelector: "metadata.name=p", allowed: false },
  { text: "update pods/status p in ns1", allowed: true },
  { text: "get nodes n1", allowed: true },
  { text: "get nodes n2", allowed: false },
  { text: "list nodes", allowed: false },
  { text: "watch nodes", fieldSelector: "metadata.name=n1", allowed: true },
  { text: "watch nodes", fieldSelector: "metadata.name=n2", allowed: false },
  { text: "create nodes", allowed: true },
  { text: "list services", allowed: true },
];
Deno.test("a node reads the pods that are bound to it and itself, and no others", async () => {
  const { api, authorizer } = await cluster();
  const pod = (name: string, nodeName: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "ns1" },
    spec: { nodeName, containers: [] },
  });
  api.put("pods", pod("p", "n1"), pod("other", "n2"));
  const found = [];
  for (const { text, fieldSelector } of ofNodes) {
    const asked = { ...request(users["node"]!, text), ...(fieldSelector === undefined ? {} : { fieldSelector }) };
    const { allowed } = await authorizer.authorize(asked);
    found.push({ text, ...(fieldSelector === undefined ? {} : { fieldSelector }), allowed });
  }
  assertEquals(found, ofNodes);
});

const questions: { fieldSelector: object | null; seen: string | undefined }[] = [
  { fieldSelector: null, seen: undefined },
  { fieldSelector: { rawSelector: "spec.nodeName=n1" }, seen: "spec.nodeName=n1" },
  {
    fieldSelector: {
      requirements: [
        { key: "spec.nodeName", operator: "In", values: ["n,1"] },
        { key: "status.phase", operator: "NotIn", values: ["Failed"] },
        { key: "spec.nodeName", operator: "In", values: ["n1", "n2"] },
        { key: "spec.nodeName", operator: "Exists" },
      ],
    },
    seen: "spec.nodeName=n\\,1,status.phase!=Failed",
  },
];
for (const { fieldSelector, seen } of questions) {
  Deno.test(`an access review asks with its field selector: ${JSON.stringify(fieldSelector)}`, async () => {
    const { api, policy } = await cluster();
    let asked: string | undefined = "nothing";
    const authorizer = {
      authorize: (attributes: RequestAttributes) => {
        asked = attributes.fieldSelector;
        return { allowed: true, reason: "" };
      },
    };
    const tokens = {} as ServiceAccountTokens;
    const { selfsubjectaccessreviews } = reviews({ authorizer, policy, tokens, now: () => 0 });
    const attributes = request(users["node"]!, "create authorization.k8s.io:selfsubjectaccessreviews");
    const spec = { resourceAttributes: { verb: "list", resource: "pods", fieldSelector } };
    await selfsubjectaccessreviews(subresourceRequest(api, attributes, "SelfSubjectAccessReview", { spec }));
    assertEquals(asked, seen);
  });
}

const reasons: { who: keyof typeof users; text: string; reason: string }[] = [
  {
    who: "carl",
    text: "create rbac.authorization.k8s.io:roles in ns1",
    reason: 'RBAC: allowed by RoleBinding "rb/ns1" of Role "rb" to User "carl"',
  },
  {
    who: "admin",
    text: "list pods",
    reason:
      'RBAC: allowed by ClusterRoleBinding "kubeadm:cluster-admins" of ClusterRole "cluster-admin" to Group "kubeadm:cluster-admins"',
  },
  {
    who: "account",
    text: "list pods in ns1",
    reason: 'RBAC: allowed by RoleBinding "v/ns1" of ClusterRole "view" to ServiceAccount "sa/ns1"',
  },
  { who: "bob", text: "list pods in ns1", reason: "" },
  { who: "root", text: "list pods in ns1", reason: "" },
  {
    who: "lost",
    text: "list pods in ns1",
    reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
  },
];
for (const { who, text, reason } of reasons) {
  Deno.test(`RBAC tells ${who} why: ${text}`, async () => {
    const { authorizer } = await cluster();
    assertEquals((await authorizer.authorize(request(users[who]!, text))).reason, reason);
  });
}

Deno.test("a policy follows changes of roles and bindings", async () => {
  const { api, authorizer } = await cluster();
  const asked = request(users["bob"]!, "list pods in ns1");
  const may = async () => (await authorizer.authorize(asked)).allowed;
  const bind = rbac("RoleBinding", "b", "ns1", {
    roleRef: { kind: "ClusterRole", name: "view" },
    subjects: [{ kind: "User", name: "bob" }],
  });
  const seen = [await may()];
  api.put("rolebindings", bind);
  seen.push(await may());
  api.put("rolebindings", { ...bind, subjects: [{ kind: "User", name: "other" }] });
  seen.push(await may());
  api.put("rolebindings", bind);
  await api.delete({ group: "rbac.authorization.k8s.io", version: "v1", resource: "rolebindings" }, "ns1", "b");
  seen.push(await may());
  assertEquals(seen, [false, true, false, false]);
});

Deno.test("the default policy is made once, and repaired where it was damaged", async () => {
  const api = new MemoryApi();
  const policy = await bootstrapPolicy();
  const count = Object.values(policy).flat().length;
  const first = await reconcileBootstrapPolicy(api);
  const second = await reconcileBootstrapPolicy(api);
  const view = api.objects.get("clusterroles||system:discovery")!;
  api.put("clusterroles", { ...view, rules: [] });
  const masters = api.objects.get("clusterrolebindings||cluster-admin")!;
  api.put("clusterrolebindings", { ...masters, subjects: [{ kind: "User", name: "own" }] });
  const basic = api.objects.get("clusterroles||system:basic-user")!;
  const annotations = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
  api.put("clusterroles", { ...basic, metadata: { ...basic.metadata, annotations }, rules: [] });
  const third = await reconcileBootstrapPolicy(api);
  assertEquals([first, second, third], [
    { created: count, updated: 0 },
    { created: 0, updated: 0 },
    { created: 0, updated: 2 },
  ]);
  const subjects = api.objects.get("clusterrolebindings||cluster-admin")!["subjects"] as { name: string }[];
  assertEquals(subjects.map(({ name }) => name), ["own", "system:masters"]);
});

/** What the recorded server said to those who may not, by step's method and path. */
Deno.test("refusals read as the recorded ones", async () => {
  const recordedSteps = scenario("authentication and authorization");
  if (recordedSteps === undefined) return;
  const { authorizer } = await cluster();
  const ns = recordedSteps.namespace;
  const asked = [
    "list pods in " + ns,
    `get pods/log x in ${ns}`,
    `create pods in ${ns}`,
    "get nodes x",
    "get /metrics",
    `deletecollection apps:deployments in ${ns}`,
  ];
  const answers = recordedSteps.steps.filter(({ code, headers }) =>
    code === 403 && headers?.["impersonate-user"] === "bob"
  );
  const ours = [];
  for (const text of asked) {
    const attributes = request(users["bob"]!, text);
    const decision = await authorizer.authorize(attributes);
    ours.push(decision.allowed ? "allowed" : forbiddenRequest(attributes, decision.reason).status);
  }
  assertEquals(ours, answers.map(({ response }) => response));
});

Deno.test("nobody binds a role whose rules he does not hold, in the recorded words", async () => {
  const recordedSteps = scenario("authentication and authorization");
  const { policy, authorizer } = await cluster();
  const plugin = escalationCheck(policy, authorizer);
  const write = (who: UserInfo, resource: string, object: object): AdmissionRequest => ({
    attributes: { ...request(who, `create rbac.authorization.k8s.io:${resource} in ns1`), name: "esc" },
    operation: "CREATE",
    resource: {} as AdmissionRequest["resource"],
    dryRun: false,
    object: object as NonNullable<AdmissionRequest["object"]>,
    old: undefined,
    warn() {},
  });
  const bind = rbac("RoleBinding", "esc", "ns1", { roleRef: { kind: "ClusterRole", name: "admin" }, subjects: [] });
  const outcome = async (asked: AdmissionRequest) => {
    try {
      await plugin.validate!(asked);
      return "allowed";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.status;
    }
  };
  const bindViewer = write(users["account"]!, "rolebindings", {
    ...bind,
    roleRef: { kind: "ClusterRole", name: "view" },
  });
  assertEquals(await outcome(bindViewer), "allowed"); // It holds everything in `view`, in this namespace.
  assertEquals(await outcome(write(users["root"]!, "rolebindings", bind)), "allowed");
  // `*` on roles includes `escalate`, so any role may be written, and `bind` needs `clusterroles`, which carl has not.
  const secrets = rbac("Role", "esc", "ns1", { rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }] });
  assertEquals(await outcome(write(users["carl"]!, "roles", secrets)), "allowed");
  const refused = await outcome(write(users["carl"]!, "rolebindings", bind));
  const expected = recordedSteps?.steps.find(({ response }) => response?.message?.includes("attempting to grant"))
    ?.response;
  if (expected !== undefined) assertEquals(refused, expected);
});
