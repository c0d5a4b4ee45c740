/** The example application on two nodes: stock kubectl puts it there, and it is reached in every way there is. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { busybox } from "../docker/images.ts";
import { clusterSuite, type ClusterWorld } from "../support/cluster_suite.ts";
import { eventually } from "../support/eventually.ts";
import { httpGet } from "../support/http_get.ts";
import { type Client, Running } from "../support/kubectl.ts";

const suite = clusterSuite("app");

/** The application is applied by the first test that needs it, in a namespace of its own. */
let applied: Promise<Client> | undefined;

async function apply({ cluster }: ClusterWorld): Promise<Client> {
  const example = await Deno.readTextFile(new URL("../../examples/app/app.yaml", import.meta.url));
  await cluster.kubectl.ok("create namespace shop");
  const kubectl = cluster.kubectl.with("-n", "shop");
  await kubectl.ok("apply -f -", { input: example.replaceAll("busybox:1.37", busybox) });
  await kubectl.ok("rollout status deploy/web --timeout=60s");
  return kubectl;
}

function test(name: string, fn: (world: ClusterWorld & { shop: Client }) => Promise<void>): void {
  suite(name, async (world) => await fn({ ...world, shop: await (applied ??= apply(world)) }));
}

/** Replicas that have not been asked to end. */
async function podNames(shop: Client): Promise<string[]> {
  const { items } = await shop.json<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>(
    "get pods -l app=web",
  );
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name)
    .sort();
}

/** All replicas have answered under an address. */
async function reachesAll(shop: Client, get: () => Promise<string>): Promise<void> {
  const expected = await podNames(shop);
  const seen = new Set<string>();
  for (let attempt = 0; attempt < 100 && seen.size < expected.length; attempt++) {
    seen.add((await get()).split(" ")[0]!);
  }
  assertEquals([...seen].sort(), expected);
}

/** Asks from inside a pod. */
function insideGet(shop: Client, pod: string, host: string, port: number, path = "/"): Promise<string> {
  const request = `printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${host} ${port}`;
  return shop.ok(["exec", pod, "--", "sh", "-c", request]).then((answer) => answer.split(/\r?\n\r?\n/)[1] ?? "");
}

test("kubectl apply brings the application up on both nodes", async ({ shop }) => {
  const nodes = await shop.ok(["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.nodeName}"]);
  assertEquals([...new Set(nodes.split(" "))].sort(), ["worker-0", "worker-1"]);
  assertMatch(await shop.ok("get deploy web"), /web\s+3\/3\s+3\s+3/);
  const wide = await shop.ok("get pods -o wide --no-headers");
  assertMatch(wide, /^(web-\S+\s+1\/1\s+Running\s+0\s+\S+\s+10\.\d+\.\d+\.\d+\s+worker-[01]\s+<none>\s+<none>\n?){3}$/);
});

test("applying it again changes nothing", async ({ shop }) => {
  const example = await Deno.readTextFile(new URL("../../examples/app/app.yaml", import.meta.url));
  const input = example.replaceAll("busybox:1.37", busybox);
  const said = await shop.ok("apply -f -", { input });
  // kubectl cannot know that a Secret given as stringData is the same.
  for (const line of said.split("\n")) assertMatch(line, /unchanged$|^secret\/web configured$/);
  const withoutSecret = input.split("---\n").filter((document) => !document.includes("kind: Secret")).join("---\n");
  assertEquals(await shop.ok("diff -f -", { input: withoutSecret }), "");
});

test("the cluster address reaches all replicas from the host", async ({ shop }) => {
  const address = await shop.ok(["get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}"]);
  await reachesAll(shop, () => httpGet(address, 80));
});

test("the node port reaches all replicas through every node", async ({ shop }) => {
  const port = Number(await shop.ok(["get", "svc", "web-public", "-o", "jsonpath={.spec.ports[0].nodePort}"]));
  const addresses = await shop.ok([
    "get",
    "nodes",
    "-o",
    'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}',
  ]);
  assertEquals(addresses.split(" ").length, 2);
  for (const address of addresses.split(" ")) await reachesAll(shop, () => httpGet(address, port));
});

test("the load balancer's address reaches all replicas", async ({ shop }) => {
  await shop.ok(["wait", "--for=jsonpath={.status.loadBalancer.ingress[0].ip}", "svc/web-public", "--timeout=20s"]);
  const address = await shop.ok(["get", "svc", "web-public", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"]);
  assertStringIncludes(await shop.ok("get svc web-public"), address);
  await reachesAll(shop, () => httpGet(address, 80));
});

for (const host of ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "web-public"]) {
  test(`a pod reaches all replicas, itself among them, as ${host}`, async ({ shop }) => {
    const [pod] = await podNames(shop);
    await reachesAll(shop, () => insideGet(shop, pod!, host, 80));
  });
}

test("a pod of another namespace reaches it by name and namespace", async ({ shop, kubectl }) => {
  await kubectl.ok(["run", "client", `--image=${busybox}`, "--", "sleep", "1000"]);
  await kubectl.ok("wait --for=condition=Ready pod/client --timeout=30s");
  await reachesAll(shop, () => insideGet(kubectl, "client", "web.shop", 80));
  assertEquals((await kubectl.run(["exec", "client", "--", "nslookup", "web"])).code !== 0, true);
});

test("a headless service's name has every replica's address", async ({ shop }) => {
  await shop.ok("expose deploy web --name=headless --cluster-ip=None --port=8080");
  const expected = (await shop.ok(["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.podIP}"]))
    .split(" ").sort();
  const [pod] = await podNames(shop);
  await eventually("the name has all addresses", async () => {
    const printed = await shop.ok(["exec", pod!, "--", "nslookup", "headless.shop.svc.cluster.local"]);
    const found = [...printed.matchAll(/^Address(?: \d+)?: (10\.\S+)$/gm)].map(([, address]) => address!);
    assertEquals(found.filter((address) => expected.includes(address)).sort(), expected);
  });
  await shop.ok("delete svc headless");
});

test("the Secret and the downward API reach the container", async ({ shop }) => {
  const [pod] = await podNames(shop);
  assertEquals(await shop.ok(["exec", pod!, "--", "sh", "-c", "echo $PASSWORD"]), "open sesame");
  assertEquals(await insideGet(shop, pod!, "localhost", 8080, "/secret-length"), "11");
  const node = await shop.ok(["get", "pod", pod!, "-o", "jsonpath={.spec.nodeName}"]);
  assertEquals(await insideGet(shop, pod!, "localhost", 8080), `${pod} on ${node}`);
});

test("a changed ConfigMap reaches running containers", async ({ shop }) => {
  const address = await shop.ok(["get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}"]);
  assertEquals(await httpGet(address, 80, "/greeting"), "hello");
  await shop.ok(["patch", "cm", "web", "-p", '{"data":{"greeting":"good day"}}']);
  await eventually("the file has changed in every replica", async () => {
    for (const pod of await podNames(shop)) {
      assertEquals(await shop.ok(["exec", pod, "--", "cat", "/www/greeting"]), "good day");
    }
  }, { withinMs: 90_000, everyMs: 500 });
});

test("kubectl scale adds and removes replicas, and the service follows", async ({ shop }) => {
  await shop.ok("scale deploy web --replicas=5");
  await shop.ok("rollout status deploy/web --timeout=60s");
  const address = await shop.ok(["get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}"]);
  await reachesAll(shop, () => httpGet(address, 80));
  await shop.ok("scale deploy web --replicas=3 --current-replicas=5");
  await shop.ok(["wait", "--for=jsonpath={.status.replicas}=3", "deploy/web", "--timeout=30s"]);
  await eventually("only three pods are left", async () => assertEquals((await podNames(shop)).length, 3));
  await reachesAll(shop, () => httpGet(address, 80));
});

test("kubectl port-forward carries requests to a pod, a deployment and a service", async ({ shop }) => {
  const [pod] = await podNames(shop);
  for (const target of [`pod/${pod}`, "deploy/web", "svc/web"]) {
    const ports = target === "svc/web" ? ":80" : ":8080";
    await using forward = new Running(shop.command(["port-forward", target, ports]));
    await forward.says(/Forwarding from 127\.0\.0\.1:(\d+)/);
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(forward.out)![1]);
    for (let request = 0; request < 5; request++) assertMatch(await httpGet("127.0.0.1", port), /^web-\S+ on worker-/);
    if (target.startsWith("pod/")) assertMatch(await httpGet("127.0.0.1", port), new RegExp(`^${pod} on`));
  }
});

test("kubectl logs reads one replica or all", async ({ shop }) => {
  const pods = await podNames(shop);
  assertStringIncludes(await shop.ok(["logs", pods[0]!]), `serving as ${pods[0]}`);
  const all = await shop.ok("logs -l app=web --prefix --tail=-1");
  for (const pod of pods) assertStringIncludes(all, `[pod/${pod}/web] serving as ${pod}`);
  assertMatch(await shop.ok("logs deploy/web --tail=1 --timestamps"), /^\d{4}-\d\d-\d\dT[\d:.]+Z/m);
});

test("kubectl rollout restart, history and undo change what runs", async ({ shop }) => {
  const before = await podNames(shop);
  await shop.ok("set env deploy/web COLOUR=red");
  await shop.ok("rollout status deploy/web --timeout=90s");
  const red = await podNames(shop);
  assertEquals(red.filter((name) => before.includes(name)), []);
  assertEquals(await shop.ok("exec deploy/web -- sh -c".split(" ").concat("echo $COLOUR")), "red");
  assertMatch(await shop.ok("rollout history deploy/web"), /REVISION\s+CHANGE-CAUSE\n1 .*\n2 /);
  await shop.ok("rollout undo deploy/web");
  await shop.ok("rollout status deploy/web --timeout=90s");
  assertEquals(await shop.ok("exec deploy/web -- sh -c".split(" ").concat("echo $COLOUR")), "");
  assertMatch(await shop.ok("rollout history deploy/web"), /REVISION\s+CHANGE-CAUSE\n2 .*\n3 /);
});

test("kubectl delete removes the application, and its addresses answer nobody", async ({ shop, cluster }) => {
  const address = await shop.ok(["get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}"]);
  await cluster.kubectl.ok("delete namespace shop --timeout=60s");
  await eventually("the address is gone", async () => {
    const answer = await httpGet(address, 80, "/", 300).then(() => "answered", () => "refused");
    assertEquals(answer, "refused");
  });
});
