/** Objects made, read, watched and deleted with stock kubectl, with no node in the cluster. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { assertLines, manifest, Running, tableColumns } from "../support/kubectl.ts";
import { kubectlSuite } from "../support/kubectl_suite.ts";

const test = kubectlSuite("objects");

/** `kubectl create` sends most of these as protobuf. */
const creations: { args: string; says: string; read: string; is: string }[] = [
  { args: "configmap c --from-literal=a=1", says: "configmap/c created", read: "cm c {.data.a}", is: "1" },
  { args: "secret generic s --from-literal=k=v", says: "secret/s created", read: "secret s {.data.k}", is: "dg==" },
  {
    args: "secret docker-registry reg --docker-server=r --docker-username=u --docker-password=p",
    says: "secret/reg created",
    read: "secret reg {.type}",
    is: "kubernetes.io/dockerconfigjson",
  },
  { args: "serviceaccount sa", says: "serviceaccount/sa created", read: "sa sa {.metadata.name}", is: "sa" },
  {
    args: "deployment d --image=i:1 --replicas=2 --port=80",
    says: "deployment.apps/d created",
    read: "deploy d {.spec.replicas}:{.spec.template.spec.containers[0].ports[0].containerPort}",
    is: "2:80",
  },
  {
    args: "service clusterip svc --tcp=80:8080",
    says: "service/svc created",
    read: "svc svc {.spec.ports[0].targetPort}",
    is: "8080",
  },
  {
    args: "service nodeport np --tcp=80 --node-port=31999",
    says: "service/np created",
    read: "svc np {.spec.ports[0].nodePort}",
    is: "31999",
  },
  {
    args: "service loadbalancer lb --tcp=80",
    says: "service/lb created",
    read: "svc lb {.spec.type}",
    is: "LoadBalancer",
  },
  {
    args: "service externalname en --external-name=example.org",
    says: "service/en created",
    read: "svc en {.spec.externalName}",
    is: "example.org",
  },
  {
    args: "role r --verb=get,list --resource=pods,deployments.apps",
    says: "role.rbac.authorization.k8s.io/r created",
    read: "role r {.rules[*].apiGroups[0]}",
    is: " apps",
  },
  {
    args: "rolebinding rb --role=r --user=u",
    says: "rolebinding.rbac.authorization.k8s.io/rb created",
    read: "rolebinding rb {.subjects[0].name}",
    is: "u",
  },
  { args: "quota q --hard=pods=30", says: "resourcequota/q created", read: "quota q {.spec.hard.pods}", is: "30" },
  { args: "job j --image=i:1 -- echo hi", says: "job.batch/j created", read: "job j {.spec.completions}", is: "1" },
  {
    args: "cronjob cj --image=i:1 --schedule=*/5",
    says: "",
    read: "",
    is: "",
  },
  {
    args: "ingress in --rule=example.org/path*=svc:80",
    says: "ingress.networking.k8s.io/in created",
    read: "ingress in {.spec.rules[0].http.paths[0].pathType}",
    is: "Prefix",
  },
  {
    args: "poddisruptionbudget pdb --selector=app=d --min-available=1",
    says: "poddisruptionbudget.policy/pdb created",
    read: "pdb pdb {.spec.minAvailable}",
    is: "1",
  },
  {
    args: "priorityclass objects-high --value=1000",
    says: "priorityclass.scheduling.k8s.io/objects-high created",
    read: "priorityclass objects-high {.value}",
    is: "1000",
  },
  {
    args: "clusterrole objects-cr --verb=get --resource=nodes",
    says: "clusterrole.rbac.authorization.k8s.io/objects-cr created",
    read: "clusterrole objects-cr {.rules[0].verbs[0]}",
    is: "get",
  },
  {
    args: "clusterrolebinding objects-crb --clusterrole=objects-cr --group=g",
    says: "clusterrolebinding.rbac.authorization.k8s.io/objects-crb created",
    read: "clusterrolebinding objects-crb {.roleRef.name}",
    is: "objects-cr",
  },
].filter(({ says }) => says !== "");

test("kubectl create makes every kind that it knows", async ({ kubectl }) => {
  for (const { args, says, read, is } of creations) {
    assertEquals(await kubectl.ok(`create ${args}`), says);
    const [resource, name, ...path] = read.split(" ");
    const printed = await kubectl.ok(["get", resource!, name!, "-o", `jsonpath=${path.join(" ")}`]);
    assertEquals(printed, is, args);
  }
  const cron = ["create", "cronjob", "cj", "--image=i:1", "--schedule=*/5 * * * *"];
  assertEquals(await kubectl.ok(cron), "cronjob.batch/cj created");
  assertEquals(await kubectl.ok("create job from --from=cronjob/cj"), "job.batch/from created");
  assertEquals(await kubectl.ok("run p --image=i:1 --labels=a=b --env=X=1"), "pod/p created");
  assertEquals(
    await kubectl.fails("create configmap c --from-literal=a=2"),
    'error: failed to create configmap: configmaps "c" already exists',
  );
  await kubectl.ok("delete priorityclass/objects-high clusterrole/objects-cr clusterrolebinding/objects-crb");
});

test("kubectl get prints objects in every format", async ({ kubectl, namespace }) => {
  await kubectl.ok("create deployment web --image=i:1 --replicas=3");
  await kubectl.ok(["wait", "--for=jsonpath={.status.replicas}=3", "deploy/web"]);
  assertEquals(tableColumns(await kubectl.ok("get deploy")), ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]);
  assertEquals(tableColumns(await kubectl.ok("get deploy -o wide")), [
    ..."NAME,READY,UP-TO-DATE,AVAILABLE,AGE,CONTAINERS,IMAGES,SELECTOR".split(","),
  ]);
  assertEquals(tableColumns(await kubectl.ok("get pods -o wide")), [
    ..."NAME,READY,STATUS,RESTARTS,AGE,IP,NODE,NOMINATED NODE,READINESS GATES".split(","),
  ]);
  assertEquals(await kubectl.ok("get deploy web -o name"), "deployment.apps/web");
  assertEquals((await kubectl.ok("get pods -o name")).split("\n").length, 3);
  assertEquals(await kubectl.ok(["get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"]), "3");
  assertEquals(
    await kubectl.ok([
      "get",
      "deploy",
      "web",
      "-o",
      "go-template={{.metadata.name}} {{len .spec.template.spec.containers}}",
    ]),
    "web 1",
  );
  assertLines(
    await kubectl.ok(["get", "deploy", "-o", "custom-columns=N:.metadata.name,R:.spec.replicas,X:.spec.nothing"]),
    ["N     R     X", "web   3     <none>"],
  );
  const yaml = await kubectl.ok("get deploy web -o yaml");
  assertMatch(yaml, /^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n {2}annotations:/);
  assert(!yaml.includes("managedFields"));
  assertStringIncludes(await kubectl.ok("get deploy web -o yaml --show-managed-fields"), "manager: kubectl-create");
  const list = await kubectl.json<{ kind: string; items: { kind: string }[] }>("get deploy,rs");
  assertEquals([list.kind, list.items.map(({ kind }) => kind)], ["List", ["Deployment", "ReplicaSet"]]);
  assertMatch(await kubectl.ok("get deploy --show-labels"), /LABELS\nweb .*app=web$/);
  assertMatch(await kubectl.ok("get pods -L app"), /AGE\s+APP\n(.*\sweb\n?){3}$/);
  assertMatch(await kubectl.ok("get all"), /pod\/web-.*\n\nNAME.*\ndeployment\.apps\/web[^]*replicaset\.apps\/web-/);
  assertEquals(tableColumns(await kubectl.ok("get deploy -A"))[0], "NAMESPACE");
  assertStringIncludes(await kubectl.ok("get deploy -A"), namespace);
  assertEquals(
    await kubectl.fails("get deploy nothing"),
    'Error from server (NotFound): deployments.apps "nothing" not found',
  );
  assertEquals(await kubectl.ok("get deploy nothing --ignore-not-found"), "");
  assertEquals(
    (await kubectl.run(["get", "cm", "-l", "no=such"])).error,
    `No resources found in ${namespace} namespace.\n`,
  );
  assertEquals(
    await kubectl.fails("get nonsense"),
    'error: the server doesn\'t have a resource type "nonsense"',
  );
});

test("kubectl get selects, sorts and reads in chunks", async ({ kubectl }) => {
  const maps = Array.from({ length: 25 }, (_, index) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: `m-${String(index).padStart(2, "0")}`,
      labels: { parity: index % 2 === 0 ? "even" : "odd", n: `${index}` },
      annotations: { order: String(99 - index) },
    },
  }));
  await kubectl.ok("create -f -", { input: manifest(...maps) });
  const names = async (...args: string[]) =>
    (await kubectl.ok(["get", "cm", "-o", "name", ...args])).split("\n").filter((name) =>
      name.startsWith("configmap/m-")
    );
  assertEquals((await names()).length, 25);
  assertEquals((await names("--chunk-size=4")).length, 25);
  assertEquals((await names("-l", "parity=even")).length, 13);
  assertEquals((await names("-l", "parity!=even")).length, 12);
  assertEquals(await names("-l", "n in (3,4),parity=odd"), ["configmap/m-03"]);
  assertEquals((await names("-l", "!nothing")).length, 25);
  assertEquals(await names("--field-selector", "metadata.name=m-07"), ["configmap/m-07"]);
  assertEquals((await names("--sort-by=.metadata.annotations.order"))[0], "configmap/m-24");
  const { error: log } = await kubectl.run(["get", "cm", "-v=8", "--chunk-size=10", "-o", "name"]);
  assert(log.includes("limit=10") && log.includes("continue="));
  assertEquals(
    await kubectl.fails("get cm --field-selector spec.nothing=1"),
    'Error from server (BadRequest): Unable to find "/v1, Resource=configmaps" that match label selector "", field selector "spec.nothing=1": "spec.nothing" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
  await kubectl.ok("delete cm -l parity=odd");
  assertEquals((await names()).length, 13);
  await kubectl.ok("delete cm --all");
  assertEquals(await names(), []);
});

test("kubectl get -w prints each change as it comes", async ({ kubectl }) => {
  await kubectl.ok("create configmap first");
  await using watch = new Running(
    kubectl.command([
      "get",
      "cm",
      "-w",
      "--output-watch-events",
      "--field-selector",
      "metadata.name!=kube-root-ca.crt",
    ]),
  );
  await watch.says(/ADDED\s+first/);
  await kubectl.ok("create configmap second");
  await watch.says(/ADDED\s+second/);
  await kubectl.ok("label cm second a=b");
  await watch.says(/MODIFIED\s+second/);
  await kubectl.ok("delete cm second");
  await watch.says(/DELETED\s+second/);
  assertEquals(watch.out.split("\n").filter((line) => line !== "").map((line) => line.split(/\s+/)[0]), [
    ..."EVENT,ADDED,ADDED,MODIFIED,DELETED".split(","),
  ]);
});

test("kubectl get -w of one object goes on until it is asked to end", async ({ kubectl }) => {
  await kubectl.ok("create configmap one --from-literal=n=0");
  await using watch = new Running(kubectl.command(["get", "cm", "one", "-w", "-o", "jsonpath={.data.n}{'\\n'}"]));
  await watch.says("0\n");
  for (const n of [1, 2, 3]) {
    await kubectl.ok(["patch", "cm", "one", "-p", JSON.stringify({ data: { n: `${n}` } })]);
    await watch.says(`${n}\n`);
  }
  assertEquals(watch.out, "0\n1\n2\n3\n");
});

test("kubectl wait ends when what it waits for has come", async ({ kubectl }) => {
  await kubectl.ok("create configmap later");
  await using gone = new Running(kubectl.command(["wait", "--for=delete", "cm/later", "--timeout=20s"]));
  await using labelled = new Running(
    kubectl.command(["wait", "--for=jsonpath={.data.done}=yes", "cm/later", "--timeout=20s"]),
  );
  await kubectl.ok(["patch", "cm", "later", "-p", '{"data":{"done":"yes"}}']);
  assertEquals((await labelled.ended()).out, "configmap/later condition met\n");
  await kubectl.ok("delete cm later");
  assertEquals((await gone.ended()).code, 0);
  await using created = new Running(kubectl.command(["wait", "--for=create", "cm/new", "--timeout=20s"]));
  await kubectl.ok("create cm new");
  assertEquals((await created.ended()).code, 0);
  assertStringIncludes(
    await kubectl.fails("wait --for=jsonpath={.data.done}=yes cm/new --timeout=1s"),
    "timed out waiting for the condition on configmaps/new",
  );
});

test("kubectl describe tells of every kind, its events included", async ({ kubectl }) => {
  await kubectl.ok("create deployment web --image=i:1 --replicas=2");
  await kubectl.ok(["wait", "--for=jsonpath={.status.replicas}=2", "deploy/web"]);
  const deployment = await kubectl.ok("describe deploy web");
  assertMatch(deployment, /Replicas:\s+2 desired \| 2 updated \| 2 total \| 0 available \| 2 unavailable/);
  assertMatch(
    deployment,
    /Normal\s+ScalingReplicaSet\s+\S+\s+deployment-controller\s+Scaled up replica set web-\w+ from 0 to 2/,
  );
  const set = await kubectl.ok("describe rs");
  assertMatch(set, /Normal\s+SuccessfulCreate\s+\S+\s+replicaset-controller\s+Created pod: web-/);
  const [first] = (await kubectl.ok("get pods -o name")).split("\n");
  await eventually("the scheduler's event is there", async () => {
    assertMatch(
      await kubectl.ok(["describe", first!]),
      /Warning\s+FailedScheduling\s+\S+\s+default-scheduler\s+no nodes available to schedule pods/,
    );
  });
  await kubectl.ok("expose deploy web --port=80");
  assertMatch(await kubectl.ok("describe svc web"), /Selector:\s+app=web[^]*Endpoints:\s*\n/);
  await kubectl.ok("create secret generic s --from-literal=key=value");
  assertMatch(await kubectl.ok("describe secret s"), /key:\s+5 bytes/);
  for (const kind of ["ns", "sa", "cm", "endpointslices", "rs", "events"]) {
    assertMatch(await kubectl.ok(`describe ${kind}`), /^Name:/);
  }
  assertMatch(await kubectl.ok("describe clusterrole admin"), /Resources\s+Non-Resource URLs/);
});

test("kubectl events and get events list what happened", async ({ kubectl }) => {
  await kubectl.ok("create deployment web --image=i:1");
  await using watch = new Running(kubectl.command(["events", "--watch"]));
  await watch.says("FailedScheduling");
  const printed = await kubectl.ok("events --for deployment/web");
  assertEquals(tableColumns(printed), ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
  assertMatch(printed, /Normal\s+ScalingReplicaSet\s+Deployment\/web/);
  const listed = await kubectl.ok("get events --field-selector involvedObject.kind=Pod,reason=FailedScheduling");
  assertMatch(listed, /Warning\s+FailedScheduling\s+pod\/web-/);
  assertMatch(await kubectl.ok("get events --sort-by=.metadata.creationTimestamp"), /ScalingReplicaSet/);
});

test("kubectl delete ends owned objects with their owner, or orphans them", async ({ kubectl }) => {
  await kubectl.ok("create deployment a --image=i:1");
  await kubectl.ok("create deployment b --image=i:1");
  for (const name of ["a", "b"]) await kubectl.ok(["wait", "--for=create", "rs", "-l", `app=${name}`, "--timeout=20s"]);
  for (const name of ["a", "b"]) {
    await kubectl.ok(["wait", "--for=jsonpath={.status.replicas}=1", "rs", "-l", `app=${name}`]);
  }
  const set = await kubectl.ok("get rs -l app=a -o name");
  const pod = await kubectl.ok("get pods -l app=a -o name");
  assertEquals(
    await kubectl.ok("delete deploy a --cascade=foreground --timeout=20s"),
    'deployment.apps "a" deleted from ' + `${kubectl.fixed[1]} namespace`,
  );
  assertEquals((await kubectl.run(["get", set, pod])).out, "");
  await kubectl.ok("delete deploy b --cascade=orphan");
  const orphan = await kubectl.json<{ items: { metadata: { ownerReferences?: unknown[] } }[] }>("get rs -l app=b");
  assertEquals(orphan.items.map(({ metadata }) => metadata.ownerReferences), [undefined]);
  await kubectl.ok("delete rs --all");
  await kubectl.ok("wait --for=delete pod --all --timeout=20s");
});

test("kubectl delete namespace removes everything inside it", async ({ kubectl, namespace, cluster }) => {
  await kubectl.ok("create deployment web --image=i:1");
  await kubectl.ok("create configmap c");
  await kubectl.ok("create secret generic s");
  await kubectl.ok("create service clusterip x --tcp=80");
  assertEquals(
    await cluster.kubectl.ok(["delete", "namespace", namespace, "--timeout=30s"]),
    `namespace "${namespace}" deleted`,
  );
  assertStringIncludes(await kubectl.fails("create configmap d"), `namespaces "${namespace}" not found`);
  assertEquals(await kubectl.ok("get all,cm,secret,sa,ep -o name"), "");
});

test("kubectl config and dry runs change nothing", async ({ kubectl, cluster }) => {
  for (const mode of ["client", "server"]) {
    const printed = await kubectl.ok(`create deployment dry --image=i:1 --dry-run=${mode} -o yaml`);
    assertStringIncludes(printed, "kind: Deployment");
    assertEquals(printed.includes("progressDeadlineSeconds: 600"), mode === "server");
  }
  assertEquals(await kubectl.ok("get deploy -o name"), "");
  await kubectl.ok("create cm there");
  assertEquals(
    await kubectl.ok("delete cm there --dry-run=server"),
    'configmap "there" deleted from ' + `${kubectl.fixed[1]} namespace (server dry run)`,
  );
  assertEquals(await kubectl.ok("get cm there -o name"), "configmap/there");
  const copy = `${cluster.directory}/config-copy`;
  await Deno.copyFile(cluster.kubeconfig, copy);
  const other = cluster.kubectl.with("--kubeconfig", copy);
  await other.ok("config set-context --current --namespace=kube-system");
  assertEquals(await other.ok("config view --minify -o jsonpath={..namespace}"), "kube-system");
  assertStringIncludes(await other.ok("get cm"), "extension-apiserver-authentication");
  assertEquals(await other.ok("config current-context"), await cluster.kubectl.ok("config current-context"));
});

test("kubectl's typed clients read protobuf: objects, lists, refusals and watches", async ({ kubectl, namespace }) => {
  const protobuf = "application/vnd.kubernetes.protobuf";
  await kubectl.ok("create deployment web --image=i:1");
  await kubectl.ok("annotate deploy web when=now");
  const described = await kubectl.run(["describe", "deploy", "web", "-v=8"]);
  assertStringIncludes(described.error, `Content-Type: ${protobuf}\n`);
  assertMatch(described.out, /^Name: +web\n/);
  assertMatch(described.out, /\nAnnotations: .*\n? +when: now\n/);
  assertMatch(described.out, /\n {3}i:\n {4}Image: +i:1\n/);
  const refused = await kubectl.run(["create", "token", "nobody", "-v=8"]);
  assertStringIncludes(refused.error, `Content-Type: ${protobuf}\n`);
  assertStringIncludes(refused.error, 'error: failed to create token: serviceaccounts "nobody" not found');
  await using watch = new Running(kubectl.command(["events", "-w", "-v=8"]));
  await watch.says(`Content-Type: ${protobuf};stream=watch`);
  await kubectl.ok("create -f -", {
    input: manifest({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: { kind: "Deployment", name: "web", namespace },
      reason: "Tried",
      message: "seen in protobuf",
      type: "Normal",
      lastTimestamp: "2026-01-02T03:04:05Z",
    }),
  });
  await watch.says(/Normal +Tried +Deployment\/web +seen in protobuf/);
});
