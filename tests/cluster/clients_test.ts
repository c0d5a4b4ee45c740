/** Other stock clients than kubectl: helm, and Kubernetes' own client library for JavaScript. */
import { PassThrough, Writable } from "node:stream";
import * as k8s from "@kubernetes/client-node";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { busybox } from "../docker/images.ts";
import { clusterSuite } from "../support/cluster_suite.ts";

const test = clusterSuite("clients");

const chart: Readonly<Record<string, string>> = {
  "Chart.yaml": "apiVersion: v2\nname: greeter\nversion: 1.0.0\n",
  "values.yaml": `replicas: 2\ngreeting: hello\nimage: ${busybox}\n`,
  "templates/all.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  greeting: {{ .Values.greeting | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata:
      labels: { app: {{ .Release.Name }} }
      annotations: { checksum/config: {{ .Values.greeting | sha256sum }} }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: {{ .Values.image }}
          command: [sh, -c, "echo $GREETING; while true; do sleep 1000 & wait $!; done"]
          envFrom: [{ configMapRef: { name: {{ .Release.Name }} } }]
          env: [{ name: GREETING, valueFrom: { configMapKeyRef: { name: {{ .Release.Name }}, key: greeting } } }]
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: { app: {{ .Release.Name }} }
  ports: [{ port: 80 }]
`,
  "templates/hook.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-before
  annotations: { helm.sh/hook: "pre-install", helm.sh/hook-delete-policy: hook-succeeded }
spec:
  restartPolicy: Never
  containers: [{ name: main, image: {{ .Values.image }}, command: ["true"] }]
`,
};

test("helm installs, upgrades, rolls back and uninstalls, and waits for pods", async ({ kubectl, namespace, cluster }) => {
  const folder = `${cluster.directory}/greeter`;
  await Deno.mkdir(`${folder}/templates`, { recursive: true });
  for (const [name, text] of Object.entries(chart)) await Deno.writeTextFile(`${folder}/${name}`, text);
  const helm = cluster.helm.with("--namespace", namespace);
  // Of pods that stay: those of an earlier revision may still be ending, made in the same second.
  const greeting = async () => {
    const { items } = await kubectl.json<{ items: k8s.V1Pod[] }>("get pods -l app=hi");
    const staying = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const said = await Promise.all(
      staying.map(({ metadata }) => kubectl.ok(["exec", metadata!.name!, "--", "sh", "-c", "echo $GREETING"])),
    );
    return [...new Set(said)].join();
  };
  assertStringIncludes(await helm.ok(["install", "hi", folder, "--wait", "--timeout=60s"]), "STATUS: deployed");
  assertMatch(await kubectl.ok("get deploy hi --no-headers"), /^hi\s+2\/2/);
  assertEquals(await kubectl.ok("get pod hi-before --ignore-not-found"), "");
  assertEquals(await greeting(), "hello");
  assertMatch(await helm.ok("list"), /^hi\s+\S+\s+1\s+.*deployed\s+greeter-1\.0\.0/m);
  await helm.ok(["upgrade", "hi", folder, "--set", "greeting=bye,replicas=3", "--wait", "--timeout=60s"]);
  assertMatch(await kubectl.ok("get deploy hi --no-headers"), /^hi\s+3\/3/);
  assertEquals(await greeting(), "bye");
  await helm.ok("rollback hi 1 --wait --timeout=60s");
  assertMatch(await kubectl.ok("get deploy hi --no-headers"), /^hi\s+2\/2/);
  assertEquals(await greeting(), "hello");
  assertEquals((await helm.ok("history hi")).split("\n").length, 4);
  assertStringIncludes(await helm.ok("get manifest hi"), "kind: Deployment");
  assertStringIncludes(await helm.ok("uninstall hi --wait --timeout=60s"), 'release "hi" uninstalled');
  assertEquals(await kubectl.ok("get deploy,svc,secret -o name"), "");
});

const pod = (name: string): k8s.V1Pod => ({
  metadata: { name, labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{
      name: "main",
      image: busybox,
      command: ["sh", "-c", "echo ready; while true; do sleep 1000 & wait $!; done"],
    }],
  },
});

test("@kubernetes/client-node creates, reads, changes, lists and deletes", async ({ namespace, cluster }) => {
  const config = new k8s.KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const core = config.makeApiClient(k8s.CoreV1Api);
  const made = await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: "c" }, data: { a: "1" } },
  });
  assert(made.metadata?.uid !== undefined && made.metadata.creationTimestamp instanceof Date);
  const replaced = await core.replaceNamespacedConfigMap({ namespace, name: "c", body: { ...made, data: { a: "2" } } });
  assertEquals(replaced.data, { a: "2" });
  const conflict = await core.replaceNamespacedConfigMap({ namespace, name: "c", body: made }).then(
    () => undefined,
    (error) => error as k8s.ApiException<string>,
  );
  assertEquals(conflict?.code, 409);
  await core.patchNamespacedConfigMap(
    { namespace, name: "c", body: [{ op: "add", path: "/data/b", value: "3" }] },
    k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.JsonPatch),
  );
  const listed = await core.listNamespacedConfigMap({ namespace, fieldSelector: "metadata.name=c" });
  assertEquals(listed.items.map(({ data }) => data), [{ a: "2", b: "3" }]);
  await core.deleteNamespacedConfigMap({ namespace, name: "c" });
  const gone = await core.readNamespacedConfigMap({ namespace, name: "c" }).then(() => 200, ({ code }) => code);
  assertEquals(gone, 404);
});

test("@kubernetes/client-node watches and informs", async ({ namespace, cluster }) => {
  const config = new k8s.KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const core = config.makeApiClient(k8s.CoreV1Api);
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const informer = k8s.makeInformer<k8s.V1Secret>(config, path, () => core.listNamespacedSecret({ namespace }));
  const told: string[] = [];
  for (const verb of ["add", "update", "delete"] as const) {
    informer.on(verb, (secret) => {
      told.push(`${verb} ${secret.metadata?.name}`);
      if (verb === "delete") resolve();
    });
  }
  await informer.start();
  const ended = Promise.withResolvers<void>();
  const watch = await new k8s.Watch(config).watch(
    path,
    {},
    (phase, object) => {
      seen.push(`${phase} ${object.metadata.name}`);
      if (phase === "DELETED") ended.resolve();
    },
    () => ended.resolve(),
  );
  const body: k8s.V1Secret = { metadata: { name: "s" }, stringData: { k: "v" } };
  await core.createNamespacedSecret({ namespace, body });
  await core.replaceNamespacedSecret({ namespace, name: "s", body: { ...body, stringData: { k: "w" } } });
  await core.deleteNamespacedSecret({ namespace, name: "s" });
  await Promise.all([promise, ended.promise]);
  watch.abort();
  await informer.stop();
  assertEquals(seen, ["ADDED s", "MODIFIED s", "DELETED s"]);
  assertEquals(told, ["add s", "update s", "delete s"]);
});

test("@kubernetes/client-node runs commands in a pod and reads its log", async ({ namespace, cluster, kubectl }) => {
  const config = new k8s.KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const core = config.makeApiClient(k8s.CoreV1Api);
  await core.createNamespacedPod({ namespace, body: pod("p") });
  await kubectl.ok("wait --for=condition=Ready pod/p --timeout=30s");
  let out = "";
  const collect = new Writable({
    write(chunk, _, done) {
      out += chunk;
      done();
    },
  });
  const { promise, resolve } = Promise.withResolvers<k8s.V1Status>();
  const command = ["sh", "-c", "read line; echo got $line; exit 4"];
  const input = new PassThrough();
  await new k8s.Exec(config).exec(namespace, "p", "main", command, collect, null, input, false, resolve);
  input.end("these words\n");
  const status = await promise;
  assertEquals(status.status, "Failure");
  assertEquals(status.details?.causes, [{ reason: "ExitCode", message: "4" }]);
  assertEquals(out, "got these words\n");
  const log = await core.readNamespacedPodLog({ namespace, name: "p", container: "main" });
  assertEquals(log, "ready\n");
  await core.deleteNamespacedPod({ namespace, name: "p" });
});
