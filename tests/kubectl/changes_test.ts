/** Objects changed with stock kubectl in every way it has, with no node in the cluster. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Client, manifest, Running } from "../support/kubectl.ts";
import { kubectlSuite } from "../support/kubectl_suite.ts";

const test = kubectlSuite("changes");

const read = (kubectl: Client, what: string, path: string) =>
  kubectl.ok(["get", ...what.split(" "), "-o", `jsonpath={${path}}`]);

test("kubectl label and annotate add, change, refuse to overwrite, and remove", async ({ kubectl }) => {
  await kubectl.ok("create configmap c");
  assertEquals(await kubectl.ok("label cm c tier=front"), "configmap/c labeled");
  assertEquals(
    await kubectl.fails("label cm c tier=back"),
    "error: 'tier' already has a value (front), and --overwrite is false",
  );
  await kubectl.ok("label cm c tier=back --overwrite");
  assertEquals(await read(kubectl, "cm c", ".metadata.labels.tier"), "back");
  assertEquals(await kubectl.ok("label cm c tier-"), "configmap/c unlabeled");
  assertEquals(await kubectl.ok("annotate cm c note=words"), "configmap/c annotated");
  assertEquals(await read(kubectl, "cm c", ".metadata.annotations.note"), "words");
  assertEquals(await kubectl.ok("annotate cm c note-"), "configmap/c annotated");
  assertEquals(await read(kubectl, "cm c", ".metadata.annotations"), "");
  assertMatch(await kubectl.fails("label cm c bad!key=x"), /invalid label|must consist of|Invalid value/);
});

test("kubectl edit sends what the editor made of the object", async ({ kubectl, cluster }) => {
  await kubectl.ok("create configmap c --from-literal=a=1");
  const editor = `${cluster.directory}/editor`;
  await Deno.writeTextFile(editor, '#!/bin/sh\nsed -i "s/a: \\"1\\"/a: \\"2\\"/" "$1"\n', { mode: 0o755 });
  assertEquals(await kubectl.ok("edit cm c", { env: { KUBE_EDITOR: editor } }), "configmap/c edited");
  assertEquals(await read(kubectl, "cm c", ".data.a"), "2");
  const again = await kubectl.run(["edit", "cm", "c"], { env: { EDITOR: editor } });
  assertStringIncludes(again.out + again.error, "Edit cancelled, no changes made.");
  // What the API refuses comes back into the editor with the reason; one that does not mend it ends the edit.
  await Deno.writeTextFile(editor, '#!/bin/sh\nsed -i "s/^data:$/data: 7/" "$1"\n', { mode: 0o755 });
  assert((await kubectl.run(["edit", "cm", "c"], { env: { EDITOR: editor } })).code !== 0);
  assertEquals(await read(kubectl, "cm c", ".data.a"), "2");
});

const deployment = (more: Record<string, unknown> = {}, image = "i:1") => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image }] } },
    ...more,
  },
});

test("kubectl patch knows strategic, merge and JSON patches, and subresources", async ({ kubectl }) => {
  await kubectl.ok("create -f -", { input: manifest(deployment()) });
  const containers = () => read(kubectl, "deploy web", ".spec.template.spec.containers[*].name");
  const sidecar = { spec: { template: { spec: { containers: [{ name: "side", image: "s:1" }] } } } };
  await kubectl.ok(["patch", "deploy", "web", "-p", JSON.stringify(sidecar)]);
  assertEquals(await containers(), "side main");
  await kubectl.ok(["patch", "deploy", "web", "--type=merge", "-p", JSON.stringify(sidecar)]);
  assertEquals(await containers(), "side");
  const operations = [
    { op: "test", path: "/spec/replicas", value: 1 },
    { op: "replace", path: "/spec/replicas", value: 4 },
    { op: "add", path: "/metadata/labels/x", value: "y" },
  ];
  await kubectl.ok(["patch", "deploy", "web", "--type=json", "-p", JSON.stringify(operations)]);
  assertEquals(await read(kubectl, "deploy web", ".spec.replicas"), "4");
  assertMatch(
    await kubectl.fails(["patch", "deploy", "web", "--type=json", "-p", JSON.stringify(operations)]),
    /testing value \/spec\/replicas failed|the server rejected our request due to an error in our request/,
  );
  const gone = {
    spec: { template: { spec: { containers: [{ name: "side", $patch: "delete" }, { name: "n", image: "n:1" }] } } },
  };
  await kubectl.ok(["patch", "deploy", "web", "-p", JSON.stringify(gone)]);
  assertEquals(await containers(), "n");
  await kubectl.ok(["patch", "deploy", "web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":2}}']);
  assertEquals(await read(kubectl, "deploy web", ".spec.replicas"), "2");
  assertEquals(
    await kubectl.ok(["patch", "deploy", "web", "-p", '{"spec":{"replicas":2}}']),
    "deployment.apps/web patched (no change)",
  );
});

test("kubectl replace puts the whole object, and --force makes it anew", async ({ kubectl }) => {
  await kubectl.ok("create configmap c --from-literal=a=1 --from-literal=b=2");
  const input = manifest({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "3" } });
  assertEquals(await kubectl.ok("replace -f -", { input }), "configmap/c replaced");
  assertEquals(await read(kubectl, "cm c", ".data"), '{"a":"3"}');
  const uid = await read(kubectl, "cm c", ".metadata.uid");
  await kubectl.ok("replace --force -f -", { input });
  assert(await read(kubectl, "cm c", ".metadata.uid") !== uid);
  const stale = manifest({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", resourceVersion: "1" },
    data: { a: "4" },
  });
  assertMatch(
    await kubectl.fails("replace -f -", { input: stale }),
    /Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again/,
  );
  assertEquals(await read(kubectl, "cm c", ".data.a"), "3");
});

test("kubectl apply keeps what others set, removes what it set before, and prunes", async ({ kubectl }) => {
  const map = (data: Record<string, string>, name = "c") => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, labels: { set: "mine" } },
    data,
  });
  const apply = (...objects: unknown[]) => kubectl.ok("apply -f -", { input: manifest(...objects) });
  assertEquals(await apply(map({ a: "1", b: "2" })), "configmap/c created");
  assertEquals(await apply(map({ a: "1", b: "2" })), "configmap/c unchanged");
  await kubectl.ok(["patch", "cm", "c", "-p", '{"data":{"theirs":"x"}}']);
  assertEquals(await apply(map({ a: "1" })), "configmap/c configured");
  assertEquals(await read(kubectl, "cm c", ".data"), '{"a":"1","theirs":"x"}');
  await apply(map({ a: "1" }), map({}, "d"));
  const pruned = await kubectl.ok("apply -f - --prune -l set=mine --prune-allowlist=core/v1/ConfigMap", {
    input: manifest(map({ a: "1" })),
  });
  assertStringIncludes(pruned, "configmap/d pruned");
  assertMatch(await kubectl.ok("apply view-last-applied cm/c"), /a: "1"/);
});

test("kubectl apply --server-side knows owners, conflicts and force", async ({ kubectl }) => {
  const input = (replicas: number | undefined, image: string) =>
    manifest(deployment(replicas === undefined ? { replicas: undefined } : { replicas }, image));
  const apply = (args: string, text: string) =>
    kubectl.run(["apply", "--server-side", ...args.split(" "), "-f", "-"], { input: text });
  assertEquals((await apply("--field-manager=one", input(2, "i:1"))).out, "deployment.apps/web serverside-applied\n");
  const conflict = await apply("--field-manager=two", input(3, "i:1"));
  assertEquals(conflict.code, 1);
  assertMatch(conflict.error, /Apply failed with 1 conflict: conflict with "one": \.spec\.replicas/);
  assertEquals(await read(kubectl, "deploy web", ".spec.replicas"), "2");
  assertEquals((await apply("--field-manager=two --force-conflicts", input(3, "i:1"))).code, 0);
  assertEquals(await read(kubectl, "deploy web", ".spec.replicas"), "3");
  // Who no longer names a field gives it up; its other owner keeps it.
  assertEquals((await apply("--field-manager=one", input(undefined, "i:1"))).code, 0);
  assertEquals(await read(kubectl, "deploy web", ".spec.replicas"), "3");
  const managers = await read(
    kubectl,
    "deploy web --show-managed-fields",
    ".metadata.managedFields[?(@.operation=='Apply')].manager",
  );
  assertEquals(managers.split(" ").sort(), ["one", "two"]);
});

test("kubectl diff shows what an apply would change, and changes nothing", async ({ kubectl }) => {
  await kubectl.ok("apply -f -", { input: manifest(deployment()) });
  const input = manifest(deployment({ replicas: 7 }, "i:2"));
  for (const mode of [[], ["--server-side"]]) {
    const { code, out } = await kubectl.run(
      ["diff", ...mode, "--force-conflicts".repeat(mode.length), "-f", "-"].filter((word) => word !== ""),
      { input },
    );
    assertEquals(code, 1);
    assertMatch(out, /^- {2}replicas: 1\n\+ {2}replicas: 7$/m);
    assertMatch(out, /^-.*image: i:1\n\+.*image: i:2$/m);
  }
  assertEquals(await read(kubectl, "deploy web", ".spec.replicas"), "1");
  assertEquals((await kubectl.run(["diff", "-f", "-"], { input: manifest(deployment()) })).code, 0);
});

test("kubectl set changes images, environments, resources, service accounts and selectors", async ({ kubectl }) => {
  await kubectl.ok("create deployment web --image=i:1");
  await kubectl.ok("create configmap settings --from-literal=MODE=fast");
  assertEquals(await kubectl.ok("set image deploy/web i=i:2"), "deployment.apps/web image updated");
  await kubectl.ok("set env deploy/web A=1 --from=configmap/settings");
  await kubectl.ok("set resources deploy web --limits=cpu=200m,memory=64Mi --requests=cpu=100m");
  await kubectl.ok("create serviceaccount worker");
  await kubectl.ok("set serviceaccount deploy web worker");
  const [container] = (await kubectl.json<
    { spec: { template: { spec: { containers: Record<string, unknown>[]; serviceAccountName: string } } } }
  >("get deploy web")).spec.template.spec.containers;
  assertEquals(container?.["image"], "i:2");
  assertEquals(
    container?.["env"],
    [{ name: "MODE", valueFrom: { configMapKeyRef: { key: "MODE", name: "settings" } } }, { name: "A", value: "1" }]
      .reverse(),
  );
  assertEquals(container?.["resources"], { limits: { cpu: "200m", memory: "64Mi" }, requests: { cpu: "100m" } });
  await kubectl.ok("expose deploy web --port=80 --target-port=8080");
  await kubectl.ok("set selector svc web tier=front");
  assertEquals(await read(kubectl, "svc web", ".spec.selector"), '{"tier":"front"}');
});

test("kubectl scale, autoscale and expose work on a deployment", async ({ kubectl }) => {
  await kubectl.ok("create deployment web --image=i:1 --port=80");
  assertEquals(await kubectl.ok("scale deploy web --replicas=3"), "deployment.apps/web scaled");
  await kubectl.ok("wait --for=jsonpath={.status.replicas}=3 deploy/web --timeout=20s");
  assertEquals(
    await kubectl.fails("scale deploy web --replicas=1 --current-replicas=9"),
    "error: Expected replicas to be 9, was 3",
  );
  assertEquals(
    await kubectl.ok("autoscale deploy web --min=2 --max=5 --cpu=80%"),
    "horizontalpodautoscaler.autoscaling/web autoscaled",
  );
  assertMatch(await kubectl.ok("get hpa web --no-headers"), /^web\s+Deployment\/web\s+cpu: <unknown>\/80%\s+2\s+5/);
  assertEquals(await kubectl.ok("expose deploy web --type=NodePort"), "service/web exposed");
  assertMatch(await kubectl.ok("get svc web --no-headers"), /^web\s+NodePort\s+10\.\S+\s+<none>\s+80:\d{5}\/TCP/);
});

test("kubectl rollout tells, waits, pauses, goes back and starts anew", async ({ kubectl }) => {
  await kubectl.ok("create deployment web --image=i:1");
  await using status = new Running(kubectl.command(["rollout", "status", "deploy/web", "--timeout=30s"]));
  await status.says("0 of 1 updated replicas are available");
  await status.stop();
  await kubectl.ok("set image deploy/web i=i:2");
  await kubectl.ok("annotate deploy/web kubernetes.io/change-cause=second");
  await kubectl.ok(
    "wait --for=jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}=2 deploy/web --timeout=20s",
  );
  assertMatch(
    await kubectl.ok("rollout history deploy/web"),
    /REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+(second|<none>)/,
  );
  assertMatch(await kubectl.ok("rollout history deploy/web --revision=1"), /Image:\s+i:1/);
  assertEquals(await kubectl.ok("rollout undo deploy/web"), "deployment.apps/web rolled back");
  assertEquals(await read(kubectl, "deploy web", ".spec.template.spec.containers[0].image"), "i:1");
  await kubectl.ok("rollout undo deploy/web --to-revision=2");
  assertEquals(await read(kubectl, "deploy web", ".spec.template.spec.containers[0].image"), "i:2");
  assertEquals(await kubectl.ok("rollout pause deploy/web"), "deployment.apps/web paused");
  assertMatch(await kubectl.fails("rollout restart deploy/web"), /can't restart paused deployment/);
  assertEquals(await kubectl.ok("rollout resume deploy/web"), "deployment.apps/web resumed");
  assertEquals(await kubectl.ok("rollout restart deploy/web"), "deployment.apps/web restarted");
  assertMatch(
    await read(kubectl, "deploy web", ".spec.template.metadata.annotations"),
    /kubectl\.kubernetes\.io\/restartedAt/,
  );
});

test("kubectl cordon, drain, taint and uncordon change a node", async ({ kubectl }) => {
  await kubectl.ok("create -f -", { input: manifest({ apiVersion: "v1", kind: "Node", metadata: { name: "paper" } }) });
  assertEquals(await kubectl.ok("cordon paper"), "node/paper cordoned");
  assertMatch(await kubectl.ok("get node paper --no-headers"), /SchedulingDisabled/);
  assertEquals(await kubectl.ok("uncordon paper"), "node/paper uncordoned");
  assertEquals(await kubectl.ok("taint node paper key=value:NoSchedule"), "node/paper tainted");
  assertStringIncludes(await read(kubectl, "node paper", ".spec.taints[*].key"), "key");
  assertEquals(await kubectl.ok("taint node paper key-"), "node/paper untainted");
  assertStringIncludes(await kubectl.ok("drain paper --ignore-daemonsets --timeout=20s"), "node/paper drained");
  await kubectl.ok("delete node paper");
});

test("kubectl apply -k and kustomize build on the API as any other manifest", async ({ kubectl, cluster }) => {
  const folder = `${cluster.directory}/kustomize`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/deployment.yaml`, manifest(deployment()));
  await Deno.writeTextFile(
    `${folder}/kustomization.yaml`,
    "resources: [deployment.yaml]\nnamePrefix: my-\nimages: [{name: i, newTag: '9'}]\nconfigMapGenerator: [{name: gen, literals: [a=b]}]\n",
  );
  const said = await kubectl.ok(["apply", "-k", folder]);
  assertMatch(said, /configmap\/my-gen-\w+ created\ndeployment\.apps\/my-web created/);
  assertEquals(await read(kubectl, "deploy my-web", ".spec.template.spec.containers[0].image"), "i:9");
  await kubectl.ok(["delete", "-k", folder]);
});
