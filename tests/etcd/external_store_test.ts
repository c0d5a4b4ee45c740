/** Clusters whose objects are in an etcd of somebody else's, Debian's: by stock kubectl, and what is refused. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";
import { etcdctl, etcdctlWith, type EtcdServer, startEtcd } from "./servers.ts";

const ignore = clientsMissing("kubectl", "helm");

function test(name: string, fn: (server: EtcdServer) => Promise<void>, options = {}): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      const server = await startEtcd(options);
      try {
        await fn(server);
      } finally {
        await server.close();
      }
    },
  });
}

const hostOf = ({ url }: EtcdServer) => new URL(url).host;
const tlsFlags = ({ files: { ca, cert, key } }: EtcdServer) => [
  ...["--store-ca", ca, "--store-cert", cert, "--store-key", key],
];

async function ok(server: EtcdServer, ...args: string[]): Promise<string> {
  const { code, output, error } = await etcdctl(server, ...args);
  assertEquals([code, code === 0 ? "" : error], [0, ""], args.join(" "));
  return output;
}

const deployment = (image: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "${image}"}]}
`;

test("kubectl works on a cluster in Debian's etcd, and finds everything again after a power cut", async (server) => {
  const flags = ["--runtime", "simulated", "--store", `etcd://${hostOf(server)}`, ...tlsFlags(server)];
  await using cluster = await TestCluster.start({ nodes: 1, flags });
  const { kubectl } = cluster;
  const watching = kubectl.command(["get", "configmap", "-w", "-o", "name", "--request-timeout=60s"]).spawn();
  const lines = watching.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  const watched = async (name: string) => {
    while (!seen.includes(name)) {
      const { value, done } = await lines.read();
      assert(!done, `the watch ended: ${seen}`);
      seen += value;
    }
  };
  await watched("kube-root-ca.crt");
  await kubectl.ok("create configmap one --from-literal=a=1");
  await watched("configmap/one");
  watching.kill("SIGKILL");
  await lines.cancel();
  await watching.stderr.cancel();
  await watching.status;

  await kubectl.ok("apply -f -", { input: deployment("web:1") });
  await kubectl.ok("rollout status deploy/web --timeout=60s");
  await kubectl.ok("apply -f -", { input: deployment("web:2") });
  await kubectl.ok("rollout status deploy/web --timeout=60s");
  assertEquals(await kubectl.ok("get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}"), "web:2 web:2");
  assertMatch(await kubectl.ok("rollout history deploy/web"), /\n1 .*\n2 /);

  const prefix = `/chartroom/${cluster.name}`;
  const key = `${prefix}/registry/configmaps/default/one`;
  assertEquals((await ok(server, "get", key, "--keys-only")).trim(), key);
  assertEquals(
    (await ok(server, "get", "", "--prefix", "--keys-only")).split("\n").filter((each) =>
      each !== "" && !each.startsWith(`${prefix}/`)
    ),
    [],
  );

  // The store is noted: it need not be said again.
  await cluster.kill();
  await cluster.chartroom("up", "--detach", "--nodes", "1", "--runtime", "simulated");
  assertEquals(await kubectl.ok("get configmap one -o jsonpath={.data.a}"), "1");
  await kubectl.ok("delete deploy/web configmap/one --timeout=60s");
  await kubectl.ok("wait --for=delete pod -l app=web --timeout=60s");
  assertEquals(await ok(server, "get", key), "");
});

test("a cluster is known to etcd by a user who has no rights but on its prefix", async (server) => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
  const passwordFile = `${directory}/password`;
  await Deno.writeTextFile(passwordFile, "secret-of-clusters\n");
  await ok(server, "user", "add", "root:root");
  await ok(server, "user", "grant-role", "root", "root");
  await ok(server, "role", "add", "cluster");
  await ok(server, "role", "grant-permission", "cluster", "readwrite", "/k/", "/k0");
  await ok(server, "user", "add", "chartroom:secret-of-clusters");
  await ok(server, "user", "grant-role", "chartroom", "cluster");
  await ok(server, "auth", "enable");
  try {
    const store = ["--runtime", "simulated", "--store", `etcd://${hostOf(server)}/k`, ...tlsFlags(server)];
    const user = ["--store-user", "chartroom", "--store-password-file", passwordFile];
    {
      await using cluster = await TestCluster.start({ nodes: 1, flags: [...store, ...user] });
      await cluster.kubectl.ok("create configmap one");
      assertEquals(await cluster.kubectl.ok("get configmap one -o name"), "configmap/one");
      assert(!(await cluster.log()).includes("secret-of-clusters"), "the password is in the log");
    }
    await Deno.writeTextFile(passwordFile, "another");
    const refusals: [string[], RegExp][] = [
      [[...store, ...user], /Cannot use the store etcd:\S+: it does not know the user, or the password is another one/],
      [store, /Cannot use the store etcd:\S+: it asks who it is: give --store-user and --store-password-file/],
    ];
    for (const [flags, message] of refusals) assertMatch(await refusal(...flags), message);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}, { clientName: "" });

test("up says what is wrong with a store that it cannot use", async (server) => {
  const store = `etcd://${hostOf(server)}`;
  const tls = tlsFlags(server);
  const { ca, stranger } = { ca: tls.slice(0, 2), stranger: await strangersFiles(server) };
  assertEquals((await etcdctlWith(server, "k8s\0\n", "put", "/registry/namespaces/default")).code, 0);
  await ok(server, "put", "/else/a", "1");
  await ok(server, "put", "/taken/owner", JSON.stringify({ cluster: "other", id: "1" }));
  const refusals: [string[], RegExp][] = [
    [["--store", "etcd://127.0.0.1:1"], /Cannot use the store etcd:\S+: nothing answers there: is etcd running/],
    [["--store", store], /Cannot use the store etcd:\S+: it hangs up: does it speak TLS\? Then give --store-ca/],
    [
      ["--store", store, ...ca],
      /Cannot use the store etcd:\S+: it hangs up: it may want a certificate of its authority/,
    ],
    [
      ["--store", store, ...tls.slice(2), "--store-ca", stranger],
      /its certificate is not of the authority in --store-ca/,
    ],
    [["--store", `${store}/registry`, ...tls], /below "\/registry" in etcd: a kube-apiserver keeps its objects there/],
    [
      ["--store", `${store}/else`, ...tls],
      /below "\/else" in etcd: other keys are there \("\/else\/a"\); name another/,
    ],
    [["--store", `${store}/taken`, ...tls], /below "\/taken" in etcd: cluster "other" of another state directory does/],
    [["--store", `${store}/a b`, ...tls], /a prefix has letters, digits/],
    [["--store", "http://127.0.0.1:2379"], /Cannot use --store http:\S+: it must be etcd:\/\/host:port/],
    [["--store", "etcd://me:secret@127.0.0.1:2379"], /everybody on this host could read a password/],
    [["--store-user", "me", "--store-password-file", "/dev/null"], /Cannot use --store-user without --store/],
  ];
  for (const [flags, message] of refusals) {
    const said = await refusal("--runtime", "simulated", ...flags);
    assertMatch(said, message, flags.join(" "));
    assert(!said.includes("secret"), said);
  }
});

test("several masters share an etcd: one is killed, kubectl and writes go on, and another one decides", async (server) => {
  const store = ["--store", `etcd://${hostOf(server)}`, ...tlsFlags(server)];
  const flags = ["--runtime", "simulated", "--masters", "3", ...store];
  await using cluster = await TestCluster.start({ nodes: 1, flags });
  const { kubectl } = cluster;
  const endpoints = ["get", "endpointslice", "kubernetes", "-o", "jsonpath={.endpoints[*].addresses[0]}"];
  await eventually("all three serve", async () => assertEquals((await kubectl.ok(endpoints)).split(" ").length, 3));
  await kubectl.ok("create configmap before");
  const holder = [
    "get",
    "lease",
    "-n",
    "kube-system",
    "kube-controller-manager",
    "-o",
    "jsonpath={.spec.holderIdentity}",
  ];
  const leader = await kubectl.ok(holder);
  assertMatch(leader, /^master-\d$/);
  const { processes = {} } = await cluster.running();
  Deno.kill(processes[leader]!, "SIGKILL");
  await eventually("writes go on", () => kubectl.ok("create configmap after"), { withinMs: 5_000, everyMs: 50 });
  await kubectl.ok("create deployment web --image=web --replicas=2");
  await kubectl.ok("rollout status deployment web --timeout=60s");
  assertMatch(await kubectl.fails("get configmap missing"), /not found/);
  const refused = await chartroom("member", "list", "--name", cluster.name, "--state", cluster.state);
  assertMatch(refused.said, /an external etcd, whose members etcdctl lists/);
});

async function strangersFiles({ files }: EtcdServer): Promise<string> {
  const path = `${files.ca}.stranger`;
  await Deno.writeTextFile(path, files.stranger.certificate);
  return path;
}

/** What `up` says when it does not come up. */
async function refusal(...flags: string[]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
  const named = ["--name", `test-${crypto.randomUUID().slice(0, 8)}`, "--state", `${directory}/state`];
  try {
    const { code, said } = await chartroom("up", "--nodes", "1", ...flags, ...named);
    assertEquals(code, 1, said);
    return said;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
