/** Masters on three hosts, each with a network, a disk and processes of its own: none of the hosts may be missed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { Client, clientsMissing, kubectl } from "../support/kubectl.ts";
import { JoinedProcess } from "../support/masters.ts";
import { TestNetwork } from "../support/test_network.ts";

const root = new URL("../../", import.meta.url).pathname;
const ignore = clientsMissing("kubectl");
const env = { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() };
const endpoint = "api.chartroom.test";
/** Of the members of every cluster's stores. */
const peerPorts = "21000-23559";

/** One cluster on three hosts: `up` on the first, a master and a worker that have joined on each of the others. */
class HostsCluster implements AsyncDisposable {
  readonly #joined = new Map<string, JoinedProcess>();

  private constructor(readonly network: TestNetwork, readonly directory: string) {}

  static async start(): Promise<HostsCluster> {
    const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
    const cluster = new HostsCluster(await TestNetwork.start(3, directory), directory);
    await cluster.balance(0, 1, 2);
    return cluster;
  }

  /** Among these hosts' masters, as somebody does who looks whether they are there. */
  async balance(...numbers: number[]): Promise<void> {
    await this.network.nameHosts({ [endpoint]: numbers });
  }

  state(number: number): string {
    return `${this.directory}/state-${number + 1}`;
  }

  async chartroom(number: number, ...words: string[]): Promise<string> {
    return await this.network.hosts[number]!.ok(
      [`${root}chartroom`, ...words, "--name", "hosts", "--state", this.state(number)],
      env,
    );
  }

  /** Idempotent, as the command is. */
  up(): Promise<string> {
    const flags = ["--masters", "1", "--workers", "1", "--runtime", "simulated"];
    const reach = ["--advertise-address", this.network.address(0), "--control-plane-endpoint", endpoint];
    return this.chartroom(0, "up", "--detach", ...flags, ...reach);
  }

  /** The words after `chartroom` that `token create` prints. */
  async joinWords(...flags: string[]): Promise<string[]> {
    return /^chartroom (\w+ --join .*)$/m.exec(await this.chartroom(0, "token", "create", ...flags))![1]!.split(" ");
  }

  /** A master or worker in the foreground of a host. */
  join(number: number, name: string, words: readonly string[], state = `${this.directory}/${name}`): JoinedProcess {
    const own = ["--name", name, "--state", state, "--runtime", "simulated"];
    // Who enters a host is told apart from what runs there: signals are sent there.
    const noted = ["sh", "-c", 'echo $$ >"$0" && exec "$@"', `${this.directory}/${name}.pid`];
    const joined = new JoinedProcess([...words, ...own], { within: [...this.network.hosts[number]!.within, ...noted] });
    this.#joined.set(name, joined);
    return joined;
  }

  /** In order. Resolves with its exit code. */
  async end(number: number, name: string): Promise<number> {
    const pid = (await Deno.readTextFile(`${this.directory}/${name}.pid`)).trim();
    await this.network.hosts[number]!.ok(["kill", "-TERM", pid]);
    return (await this.#joined.get(name)!.status).code;
  }

  /** Stock kubectl on that host; `server`: another one than its kubeconfig names. */
  async kubectl(number: number, server?: string): Promise<Client> {
    const { program, env, fixed } = await kubectl(`${this.state(number)}/kubeconfig`, this.directory);
    const [nsenter = "", ...within] = this.network.hosts[number]!.within;
    return new Client(nsenter, env, [
      ...[...within, program, ...fixed, "--request-timeout=8s"],
      ...(server === undefined ? [] : ["--server", server]),
    ]);
  }

  async members(number: number) {
    const [, ...lines] = (await this.chartroom(number, "member", "list")).trim().split("\n");
    return lines.map((line) => {
      const [name = "", , role = "", , applied, , address = ""] = line.split(/ {2,}/);
      return { name, role, applied: Number(applied), address };
    });
  }

  /** When kubelets last said that they live, by node. */
  async heartbeats(client: Client): Promise<Map<string, number>> {
    interface Lease {
      readonly metadata: { readonly name: string };
      readonly spec: { readonly renewTime: string };
    }
    const { items } = await client.json<{ items: Lease[] }>("get leases -n kube-node-lease");
    return new Map(items.map(({ metadata, spec }) => [metadata.name, Date.parse(spec.renewTime)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
    for (const joined of this.#joined.values()) await joined[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true }).catch(() => {});
  }
}

/** Writes one object after the other, with stock kubectl, for as long as it is not stopped. */
function startWriting(client: Client) {
  const acknowledged: string[] = [];
  let longestMs = 0;
  let last = performance.now();
  let over = false;
  const done = (async () => {
    for (let number = 0; !over; number++) {
      const { code } = await client.run(["create", "configmap", `write-${number}`]);
      if (code !== 0) continue;
      acknowledged.push(`write-${number}`);
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }
  })();
  return {
    count: () => acknowledged.length,
    async stop() {
      over = true;
      await done;
      return { acknowledged, longestMs };
    },
    async [Symbol.asyncDispose]() {
      over = true;
      await done;
    },
  };
}

Deno.test({
  name: "masters on three hosts: any of them may lose power or its network; nodes stay Ready, and no write is lost",
  ignore,
  fn: async () => {
    await using cluster = await HostsCluster.start();
    const { network } = cluster;
    await cluster.up();
    const masterWords = await cluster.joinWords("--master");
    const workerWords = await cluster.joinWords();
    // Others are told the endpoint: whoever is behind it takes them in.
    assertMatch(masterWords.join(" "), new RegExp(`^master --join https://${endpoint}:\\d+ `));
    const port = /:(\d+)$/.exec(masterWords[2]!)![1]!;
    const at = (number: number) => `https://${network.address(number)}:${port}`;
    cluster.join(1, "host-b", ["master", "--join", at(0), ...masterWords.slice(3)], cluster.state(1));
    cluster.join(2, "host-c", masterWords, cluster.state(2));
    await eventually("all three have a vote", async () => {
      assertEquals((await cluster.members(0)).map(({ role }) => role).sort(), ["follower", "follower", "leader"]);
    }, { withinMs: 60_000 });
    const members = await cluster.members(0);
    assertEquals(members.map(({ name }) => name).sort(), ["host-b", "host-c", "master-0"]);
    for (const { address } of members) assertMatch(address, /^https:\/\/198\.51\.100\.[123]:\d+$/);

    // They listen on loopback and on the address that they advertise, and on no other.
    const listening = (await network.hosts[1]!.ok(["ss", "-Hltn"])).trim().split("\n")
      .map((line) => line.trim().split(/\s+/)[3]!.replace(/:\d+$/, ""));
    assertEquals([...new Set(listening.filter((each) => !each.startsWith("127.")))], [network.address(1)]);
    // Keys are handed over, to nobody else.
    for (const key of ["ca.key", "front-proxy-ca.key", "sa.key", "store-ca.key"]) {
      const [own, given] = [cluster.state(0), cluster.state(1)].map((state) => `${state}/pki/${key}`);
      assertEquals(await Deno.readTextFile(given!), await Deno.readTextFile(own!), key);
      assertEquals((await Deno.stat(given!)).mode! & 0o777, 0o600, key);
    }
    for (const number of [0, 1, 2]) {
      const config = await Deno.readTextFile(`${cluster.state(number)}/kubeconfig`);
      assertMatch(config, new RegExp(`server: https://${endpoint}:${port}\n`));
    }

    const workers = [1, 2].map((number) =>
      cluster.join(number, `worker-of-${number + 1}`, ["worker", "--join", at(0), ...workerWords.slice(3)])
    );
    for (const worker of workers) {
      await eventually("it is ready", () => assertMatch(worker.said, /Node worker-of-\d ready/), { withinMs: 40_000 });
    }
    const nodes = ["worker-0", "worker-of-2", "worker-of-3"];
    for (const number of [0, 1, 2]) {
      const client = await cluster.kubectl(1, at(number));
      await client.ok("wait --for=condition=Ready node --all --timeout=20s");
      assertEquals((await client.ok("get nodes -o name")).split("\n").sort(), nodes.map((name) => `node/${name}`));
    }
    const far = await cluster.kubectl(1);
    const endpoints = ["get", "endpointslice", "kubernetes", "-o", "jsonpath={.endpoints[*].addresses[0]}"];
    await eventually("the service kubernetes lists them by what they advertise", async () => {
      assertEquals((await far.ok(endpoints)).split(" ").sort(), [0, 1, 2].map((number) => network.address(number)));
    });
    await eventually("workers know all masters", async () => {
      const { servers } = JSON.parse(await Deno.readTextFile(`${cluster.directory}/worker-of-3/worker.json`));
      assertEquals(servers, [
        ...members.map(({ address }) => address.replace(/\d+$/, port)),
        `https://${endpoint}:${port}`,
      ]);
    });

    /** Everybody has said since a moment that it lives: nobody is waited for until it would count as lost. */
    const alive = (names: readonly string[], since: number) =>
      eventually("their kubelets are heard", async () => {
        const heard = await cluster.heartbeats(far);
        for (const name of names) assert(heard.get(name)! > since, `${name} is silent`);
        const { items } = await far.json<{ items: Node[] }>("get nodes");
        for (const { metadata: { name }, status } of items.filter(({ metadata }) => names.includes(metadata.name))) {
          assertEquals(status.conditions.find(({ type }) => type === "Ready")?.status, "True", name);
        }
      }, { withinMs: 40_000 });

    // Every master reaches every kubelet, wherever that is.
    for (const name of nodes) {
      const said = await cluster.chartroom(1, "explain", "node", name);
      assertMatch(said, new RegExp(`${name}/kubelet/`));
      assert(!said.includes("could not be asked"), said);
    }

    await using writing = startWriting(far);
    await eventually("writes go well", () => assert(writing.count() > 3));

    // The host to which all workers have joined is gone at once, without a word.
    await network.hosts[0]!.cutPower();
    await cluster.balance(1, 2);
    let since = Date.now();
    let reached = writing.count();
    await eventually("writes go on", () => assert(writing.count() > reached + 3), { withinMs: 40_000 });
    await alive(["worker-of-2", "worker-of-3"], since);
    await eventually("the service kubernetes has left it out", async () => {
      assertEquals((await far.ok(endpoints)).split(" ").sort(), [network.address(1), network.address(2)]);
    }, { withinMs: 40_000 });
    // A worker that starts now finds them without the one that it has joined.
    assertEquals(await cluster.end(1, "worker-of-2"), 0);
    const again = cluster.join(1, "worker-of-2", ["worker"]);
    await eventually("it is ready again", () => assertMatch(again.said, /Node worker-of-2 ready/), {
      withinMs: 40_000,
    });
    await far.ok(["run", "web", "--image=web", '--overrides={"spec":{"nodeName":"worker-of-2"}}']);
    await far.ok("wait --for=condition=Ready pod/web --timeout=20s");

    await network.startHost(0);
    await cluster.up();
    await caughtUp(cluster, 0, writing.count());
    await cluster.balance(0, 1, 2);
    since = Date.now();
    await alive(nodes, since);

    // Commands on a host whose own master is away ask another one; it goes on without a token.
    assertEquals(await cluster.end(1, "host-b"), 0);
    assertMatch(await cluster.chartroom(1, "member", "list"), /^NAME +ID +ROLE/);
    assertMatch(await cluster.chartroom(1, "token", "list"), /^TOKEN +FOR/);
    const returned = cluster.join(1, "host-b", ["master"], cluster.state(1));
    await eventually("it is back", () => assertMatch(returned.said, /Master "host-b" .* ready/), { withinMs: 40_000 });

    // Now another host hears and is heard no more, for less than it takes to count as lost.
    await network.cut(2);
    await cluster.balance(0, 1);
    reached = writing.count();
    await eventually("writes go on", () => assert(writing.count() > reached + 3), { withinMs: 40_000 });
    since = Date.now();
    await alive(["worker-0", "worker-of-2"], since);
    await network.mend(2);
    await cluster.balance(2, 0);
    since = Date.now();
    await alive(nodes, since);

    // A master that lives and hears no other one serves nobody: its own host's node goes elsewhere.
    await network.cut(1, peerPorts);
    const alone = await cluster.kubectl(0, at(1));
    await eventually("it says that it is not ready", async () => {
      assertMatch((await alone.run(["get", "--raw", "/readyz"])).error, /\[-\]etcd failed|readyz check failed/);
    });
    since = Date.now();
    await alive(nodes, since);
    await network.mend(1);

    const { acknowledged, longestMs } = await writing.stop();
    console.log(`    ${acknowledged.length} writes; the longest gap between two: ${Math.round(longestMs)} ms`);
    for (const number of [0, 1, 2]) {
      const client = await cluster.kubectl(0, at(number));
      await eventually("it has all that was written", async () => {
        const there = new Set((await client.ok("get configmaps -o name")).split("\n"));
        assertEquals(acknowledged.filter((name) => !there.has(`configmap/${name}`)), []);
      });
    }
    const after = await cluster.members(2);
    assertEquals(after.map(({ role }) => role).sort(), ["follower", "follower", "leader"]);
    await cluster.chartroom(0, "down", "--delete-state");
  },
});

interface Node {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

/** A host that is back has applied what was written without it. */
async function caughtUp(cluster: HostsCluster, number: number, least: number): Promise<void> {
  await eventually("it has caught up", async () => {
    const members = await cluster.members(number);
    const most = Math.max(...members.map(({ applied }) => applied));
    for (const { name, applied } of members) assert(applied > most - 50, `${name} has applied ${applied} of ${most}`);
    assert(most > least);
  }, { withinMs: 60_000 });
}
