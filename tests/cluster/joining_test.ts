/** Machines that join a cluster with a token; real processes, and containers where they run. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { buildBusybox, busybox } from "../docker/images.ts";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

const root = new URL("../../", import.meta.url).pathname;
const ignore = clientsMissing("kubectl", "helm");

/** What `token create` prints: a command, as words. */
async function joinWords(cluster: TestCluster, ...flags: string[]): Promise<string[]> {
  const said = await cluster.chartroom("token", "create", ...flags);
  return /^chartroom (worker --join .*)$/m.exec(said)![1]!.split(" ");
}

/** A worker in the foreground. */
function startWorker(...args: string[]) {
  const child = new Deno.Command(`${root}chartroom`, {
    args,
    env: { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let said = "";
  const heard = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said += text;
  })();
  return {
    says: (what: RegExp) => eventually(`it says ${what}`, () => assertMatch(said, what), { everyMs: 20 }),
    async end(signal: Deno.Signal): Promise<{ code: number; said: string }> {
      child.kill(signal);
      const { code } = await child.status;
      await heard;
      return { code, said };
    },
  };
}

Deno.test({
  name: "a worker joins with a token, gets certificates of its own, runs a pod, and needs no token the next time",
  ignore,
  fn: async () => {
    await buildBusybox();
    await using cluster = await TestCluster.start({ nodes: 1 });
    const { kubectl } = cluster;
    const own = ["--name", "joined", "--state", `${cluster.directory}/joined`];
    const words = await joinWords(cluster);
    let worker = startWorker(...words, ...own);
    try {
      await worker.says(/Node joined ready/);
      assertMatch(await kubectl.ok("get csr"), /system:bootstrap:\w+ .*Approved,Issued/);
      assertMatch(await kubectl.ok("get csr"), /system:node:joined .*Approved,Issued/);
      await kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
      const overrides = JSON.stringify({ spec: { nodeName: "joined", terminationGracePeriodSeconds: 0 } });
      const sleeping = ["run", "web", `--image=${busybox}`, `--overrides=${overrides}`, "--command", "--"];
      await kubectl.ok([...sleeping, "sh", "-c", "echo here; sleep 1000"]);
      await kubectl.ok("wait --for=condition=Ready pod/web --timeout=30s");
      assertEquals((await kubectl.ok("logs web")).trim(), "here");
      assertEquals((await kubectl.ok("exec web -- echo from inside")).trim(), "from inside");

      // The token is spent; the certificate is what counts.
      await cluster.chartroom("token", "delete", words[words.indexOf("--token") + 1]!);
      assertEquals((await worker.end("SIGTERM")).code, 0);
      worker = startWorker("worker", ...own);
      await worker.says(/Node joined ready/);
      assertEquals((await kubectl.ok("exec web -- echo still here")).trim(), "still here");
      assertEquals((await kubectl.ok(["get", "pod", "web", "-o", "jsonpath={..restartCount}"])).trim(), "0");

      // Its rights are its own node's.
      const keys = `${cluster.directory}/joined/pki`;
      const asNode = await kubectl.run([
        ...["get", "secrets", "-A", "--kubeconfig=/dev/null", "--server", await serverOf(cluster)],
        ...["--certificate-authority", `${keys}/ca.crt`],
        ...["--client-certificate", `${keys}/kubelet-client.crt`, "--client-key", `${keys}/kubelet-client.key`],
      ]);
      assertMatch(asNode.error, /User "system:node:joined" cannot list resource "secrets"/);
      assertEquals((await Deno.stat(`${keys}/kubelet-client.key`)).mode! & 0o777, 0o600);
    } finally {
      // Before the cluster goes: its containers are the cluster's too.
      await worker.end("SIGTERM").catch(() => {});
      const left = await chartroom("worker", "--leave", ...own);
      assertEquals(left.code, 0, left.said);
    }
  },
});

async function serverOf(cluster: TestCluster): Promise<string> {
  return (await cluster.running() as unknown as { server: string }).server;
}

Deno.test({
  name: "who has a wrong token, an expired one or the wrong authority's hash is told so, and does not join",
  ignore,
  fn: async () => {
    await using cluster = await TestCluster.start({ nodes: 1, flags: ["--runtime", "simulated"] });
    const server = await serverOf(cluster);
    const attempt = async (...words: string[]) => {
      const name = `never-${crypto.randomUUID().slice(0, 8)}`;
      const own = ["--runtime", "simulated", "--name", name, "--state", `${cluster.directory}/${name}`];
      const { code, said } = await chartroom(...words, ...own);
      assertEquals(code, 1, said);
      return said;
    };
    const before = await attempt("worker", "--join", server, "--token", "abcdef.0123456789abcdef");
    assertStringIncludes(before, 'it says nothing about the cluster yet; run "chartroom token create" there');

    const words = await joinWords(cluster);
    const [id = "", secret = ""] = words[words.indexOf("--token") + 1]!.split(".");
    const withToken = (token: string) => words.with(words.indexOf("--token") + 1, token);
    const wrongSecret = await attempt(...withToken(`${id}.${"0".repeat(16)}`));
    assertStringIncludes(wrongSecret, "is not signed with this token");
    assertStringIncludes(await attempt(...withToken("nonsense")), "the token must look like");
    const wrongHash = words.with(words.indexOf("--ca-hash") + 1, `sha256:${"0".repeat(64)}`);
    assertMatch(await attempt(...wrongHash), /its authority's hash is sha256:[0-9a-f]{64}, not sha256:0000/);

    // A token that has run out is good for nothing, whether it has been cleared away yet or not.
    const short = await joinWords(cluster, "--ttl", "1s");
    const expired = short[short.indexOf("--token") + 1]!;
    await eventually("the token is cleared away", async () => {
      assert(!(await cluster.chartroom("token", "list")).includes(expired.slice(0, 6)));
    });
    const answer = await fetchAs(cluster, `${server}/chartroom/join/worker`, expired);
    assertEquals(answer, 401);
    assertEquals(await fetchAs(cluster, `${server}/chartroom/join/master`, `${id}.${secret}`), 403);
    assertMatch(await cluster.kubectl.ok("get nodes"), /^NAME.*\nworker-0 .*$/);
  },
});

/** The status of a request with a bearer token. */
async function fetchAs(cluster: TestCluster, url: string, token: string): Promise<number> {
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${cluster.state}/pki/ca.crt`)] });
  const response = await fetch(url, {
    method: "POST",
    client,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "somebody" }),
  });
  await response.body?.cancel();
  return response.status;
}
