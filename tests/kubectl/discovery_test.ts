/** What stock kubectl learns about the API, with no node in the cluster. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ApiCluster, startApiCluster } from "../support/api_cluster.ts";
import { clientsMissing, tableColumns } from "../support/kubectl.ts";
import { readRecording } from "../support/oracle.ts";

const ignore = clientsMissing("kubectl");
let cluster: ApiCluster;
Deno.test.beforeAll(async () => {
  if (!ignore) cluster = await startApiCluster();
});
Deno.test.afterAll(async () => await cluster?.[Symbol.asyncDispose]());

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

test("kubectl version finds a server of its own minor version", async () => {
  const { clientVersion, serverVersion } = await cluster.kubectl.json<
    Record<"clientVersion" | "serverVersion", { major: string; minor: string; gitVersion: string }>
  >("version");
  assertEquals([serverVersion.major, serverVersion.minor], ["1", "36"]);
  assertEquals(clientVersion.minor, "36");
  assertMatch(serverVersion.gitVersion, /^v1\.36\./);
});

interface ResourceList {
  groupVersion: string;
  resources: { name: string; namespaced: boolean; kind: string; verbs: string[]; shortNames?: string[] }[];
}

test("kubectl api-resources prints what a Kubernetes server of this version has", async () => {
  const recorded = await readRecording<Record<string, unknown>>("discovery.json");
  if (recorded === undefined) return;
  // One entry: a group version's document of resources, under its path.
  const expected = Object.values(recorded)
    .filter((document): document is ResourceList => (document as { kind?: string }).kind === "APIResourceList")
    .flatMap(({ groupVersion, resources }) =>
      resources.filter(({ name }) => !name.includes("/"))
        .map(({ name, namespaced, kind }) => `${name} ${groupVersion} ${namespaced} ${kind}`)
    );
  const printed = (await cluster.kubectl.ok("api-resources --no-headers")).split("\n").map((line) => {
    const words = line.trim().split(/\s+/);
    const [groupVersion, namespaced, kind] = words.slice(-3);
    return `${words[0]} ${groupVersion} ${namespaced} ${kind}`;
  });
  // kubectl prints each resource in its preferred version alone.
  const unknown = printed.filter((line) => !expected.includes(line));
  assertEquals(unknown, []);
  const names = (lines: string[]) => [...new Set(lines.map((line) => line.split(" ")[0]))].sort();
  assertEquals(names(printed), names(expected));
});

test("kubectl api-versions prints what a Kubernetes server of this version has", async () => {
  const recorded = await readRecording<Record<string, unknown>>("discovery.json");
  if (recorded === undefined) return;
  const groups = Object.values(recorded).find((document) =>
    (document as { kind?: string }).kind === "APIGroupList"
  ) as {
    groups: { versions: { groupVersion: string }[] }[];
  };
  const expected = ["v1", ...groups.groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion))];
  assertEquals((await cluster.kubectl.ok("api-versions")).split("\n").sort(), expected.sort());
});

const explained: { what: string; says: RegExp[] }[] = [
  { what: "pod", says: [/KIND:\s+Pod/, /VERSION:\s+v1/, /spec\s+<PodSpec>/, /collection of containers/] },
  { what: "pod.spec.containers.livenessProbe", says: [/FIELD: livenessProbe <Probe>/, /httpGet\s+<HTTPGetAction>/] },
  {
    what: "deployment.spec.strategy.type",
    says: [/GROUP:\s+apps/, /ENUM:/, /RollingUpdate/, /Recreate/],
  },
  { what: "svc.spec.ports", says: [/FIELD: ports <\[\]ServicePort>/, /port\s+<integer> -required-/] },
];
for (const { what, says } of explained) {
  test(`kubectl explain ${what} describes the field`, async () => {
    const printed = await cluster.kubectl.ok(["explain", what]);
    for (const expected of says) assertMatch(printed, expected);
  });
}

test("kubectl explain --recursive prints the whole tree", async () => {
  const printed = await cluster.kubectl.ok("explain pods --recursive");
  assertMatch(printed, /topologySpreadConstraints\s+<\[\]TopologySpreadConstraint>/);
  assert(printed.split("\n").length > 1_000);
});

test("kubectl explain of a field that is not there says so", async () => {
  assertEquals(
    await cluster.kubectl.fails("explain pod.spec.nothing"),
    'error: field "nothing" does not exist',
  );
});

test("kubectl auth can-i answers for oneself and for others", async () => {
  const { kubectl } = cluster;
  assertEquals(await kubectl.ok("auth can-i create pods"), "yes");
  assertEquals((await kubectl.run(["auth", "can-i", "list", "secrets", "--as", "nobody"])).out, "no\n");
  assertStringIncludes(await kubectl.ok("auth can-i --list"), "*.*");
  await kubectl.ok("create clusterrolebinding look --clusterrole=view --user=jane");
  assertEquals(await kubectl.ok("auth can-i list pods --as jane"), "yes");
  assertEquals((await kubectl.run(["auth", "can-i", "delete", "pods", "--as", "jane"])).code, 1);
  await kubectl.ok("delete clusterrolebinding look");
  assertEquals((await kubectl.run(["auth", "can-i", "list", "pods", "--as", "jane"])).out, "no\n");
});

test("kubectl auth whoami prints the certificate's user and groups", async () => {
  const { status } = await cluster.kubectl.json<{ status: { userInfo: { username: string; groups: string[] } } }>(
    "auth whoami",
  );
  assert(status.userInfo.groups.includes("system:authenticated"));
  assertStringIncludes(await cluster.kubectl.ok("auth whoami"), status.userInfo.username);
});

test("kubectl create token makes a token that identifies its service account", async () => {
  const { kubectl } = cluster;
  await kubectl.ok("create serviceaccount caller");
  const token = await kubectl.ok("create token caller --duration 10m");
  const config = `${cluster.directory}/token-config`;
  const view = await kubectl.json<{ clusters: { cluster: Record<string, string> }[] }>("config view --raw");
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: view.clusters[0]!.cluster }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  const caller = kubectl.with("--kubeconfig", config);
  assertStringIncludes(await caller.ok("auth whoami"), "system:serviceaccount:default:caller");
  assertEquals(
    await caller.fails("get pods"),
    'Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:caller" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  await kubectl.ok("create rolebinding caller --clusterrole=view --serviceaccount=default:caller");
  assertEquals(await caller.ok("get pods -o name"), "");
});

test("kubectl cluster-info, componentstatuses and raw paths answer", async () => {
  const { kubectl } = cluster;
  assertStringIncludes(await kubectl.ok("cluster-info"), "Kubernetes control plane");
  assertEquals(await kubectl.ok("get --raw /readyz"), "ok");
  assertEquals(await kubectl.ok("get --raw /livez"), "ok");
  assertStringIncludes(await kubectl.ok("get --raw /healthz?verbose"), "[+]ping ok");
  assertStringIncludes(await kubectl.ok("get --raw /metrics"), "apiserver_request_total");
});

test("kubectl get apiservices lists one for each group version that is served", async () => {
  const { kubectl } = cluster;
  const printed = await kubectl.ok("get apiservices");
  assertEquals(tableColumns(printed), ["NAME", "SERVICE", "AVAILABLE", "AGE"]);
  const served = (await kubectl.ok("api-versions")).split("\n").map((each) =>
    each.includes("/") ? each.split("/").reverse().join(".") : `${each}.`
  );
  // The group of API services itself has none.
  const expected = served.filter((name) => name !== "v1.apiregistration.k8s.io").sort();
  const listed = (await kubectl.ok("get apiservices -o name")).split("\n").map((line) => line.replace(/^.*\//, ""));
  assertEquals(listed.sort(), expected);
});
