/** Flow schemas and priority levels as an administrator writes them: felt by those whom they are about, at once. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { apiHttp } from "../support/api_http.ts";
import { eventually } from "../support/eventually.ts";
import { kubectlSuite } from "../support/kubectl_suite.ts";

const test = kubectlSuite("flows");
const group = "flowcontrol.apiserver.k8s.io/v1";

test("a cluster begins with Kubernetes' flow schemas and priority levels", async ({ kubectl }) => {
  const levels = await kubectl.ok("get prioritylevelconfigurations -o name");
  assertEquals(levels.trim().split("\n").map((name) => name.split("/")[1]), [
    ...["catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high"],
    "workload-low",
  ]);
  assertMatch(await kubectl.ok("get flowschemas"), /^exempt +exempt +1 +<none> +\S+ +\S+$/m);
  assertMatch(await kubectl.ok("get flowschemas"), /^service-accounts +workload-low +9000 +ByUser/m);
});

test("a level without seats keeps its flow out, and nobody else, until it is taken away", async ({ kubectl, cluster }) => {
  using http = await apiHttp(cluster.kubeconfig);
  const as = (user: string) => http.request("GET", "/api/v1/namespaces", undefined, { "impersonate-user": user });
  assertEquals((await as("jailed")).code, 403);
  const limited = { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: "Reject" } };
  const level = { kind: "PriorityLevelConfiguration", metadata: { name: "jail" }, spec: { type: "Limited", limited } };
  const schema = {
    kind: "FlowSchema",
    metadata: { name: "jailed" },
    spec: {
      matchingPrecedence: 50,
      priorityLevelConfiguration: { name: "jail" },
      rules: [{
        subjects: [{ kind: "User", user: { name: "jailed" } }],
        resourceRules: [
          { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true },
        ],
      }],
    },
  };
  const items = [level, schema].map((object) => ({ apiVersion: group, ...object }));
  const said = await kubectl.run(["apply", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });
  assertEquals([said.code, said.error.includes("Warning")], [0, false]);
  await eventually("it is kept out", async () => assertEquals((await as("jailed")).code, 429));
  const { body } = await as("jailed");
  assertEquals([body.reason, body.details.retryAfterSeconds], ["TooManyRequests", 1]);
  assertEquals((await as("free")).code, 403);
  const metrics = await kubectl.ok("get --raw /metrics");
  assertStringIncludes(
    metrics,
    'apiserver_flowcontrol_rejected_requests_total{flow_schema="jailed",priority_level="jail",',
  );
  await kubectl.ok("delete flowschema jailed");
  await eventually("it is let in again", async () => assertEquals((await as("jailed")).code, 403));
});
