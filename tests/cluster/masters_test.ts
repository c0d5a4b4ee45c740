/** Three masters, each a process, with a replicated store: none of them may be missed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { administrator } from "../../commands/administrator.ts";
import { ClusterState } from "../../commands/cluster_state.ts";
import type { ConfigMap } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

const root = new URL("../../", import.meta.url).pathname;
const ignore = clientsMissing("kubectl", "helm");

interface Member {
  readonly name: string;
  readonly role: string;
  readonly pid: number;
}

async function members(cluster: TestCluster): Promise<Member[]> {
  const [, ...lines] = (await cluster.chartroom("member", "list")).trim().split("\n");
  return lines.map((line) => {
    const [name = "", , role = "", , , pid = ""] = line.split(/ {2,}/);
    return { name, role, pid: Number(pid) };
  });
}

const settled = (cluster: TestCluster) =>
  eventually("there are a leader and two followers", async () => {
    const all = await members(cluster);
    assertEquals(all.map(({ role }) => role).sort(), ["follower", "follower", "leader"]);
    return all;
  });

/** Writes one object after the other for as long as it is not stopped; each has an attempt as long as it takes. */
async function startWriting(cluster: TestCluster) {
  const acknowledged: string[] = [];
  let longestMs = 0;
  let last = performance.now();
  let over = false;
  const client = await administrator(new ClusterState(cluster.name, cluster.state));
  const done = (async () => {
    for (let number = 0; !over; number++) {
      const name = `write-${number}`;
      try {
        await client.create(resources.configMaps, "default", {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name, labels: { load: "yes" } },
        });
        acknowledged.push(name);
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
      } catch {
        // Whether it was written is not known: the next one has another name.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    client.close();
  })();
  return {
    count: () => acknowledged.length,
    async stop(): Promise<{ acknowledged: readonly string[]; longestMs: number }> {
      over = true;
      await done;
      return { acknowledged, longestMs };
    },
  };
}

Deno.test({
  name:
    "kill -9 of the leading master under a constant write load loses no acknowledged write; it comes back by itself",
  ignore,
  fn: async () => {
    const flags = ["--masters", "3", "--runtime", "simulated"];
    await using cluster = await TestCluster.start({ nodes: 2, flags });
    const { kubectl } = cluster;
    const before = await settled(cluster);
    assertEquals(before.map(({ name }) => name).sort(), ["master-0", "master-1", "master-2"]);
    const endpoints = async () =>
      (await kubectl.ok([
        ...["get", "endpointslice", "kubernetes", "-o", "jsonpath={.endpoints[*].addresses[0]}"],
      ])).trim().split(" ").length;
    await eventually("all three serve", async () => assertEquals(await endpoints(), 3));

    const writing = await startWriting(cluster);
    await eventually("writes go well", () => assert(writing.count() > 50));
    const leader = before.find(({ role }) => role === "leader")!;
    Deno.kill(leader.pid, "SIGKILL");
    const reached = writing.count();
    // Stock kubectl knows one server: whoever of the masters lives answers there.
    await eventually("kubectl works", () => kubectl.ok("get nodes"), { withinMs: 5_000, everyMs: 20 });
    await eventually("writes go on", () => assert(writing.count() > reached + 50));
    const after = await settled(cluster);
    const again = after.find(({ name }) => name === leader.name)!;
    assert(again.pid !== leader.pid, "it is another process");
    const { acknowledged, longestMs } = await writing.stop();
    console.log(`    the longest gap between two successful writes: ${Math.round(longestMs)} ms`);

    const text = await kubectl.ok("get configmaps -l load=yes -o name");
    const there = new Set(text.split("\n").map((line) => line.replace("configmap/", "")));
    assertEquals(acknowledged.filter((name) => !there.has(name)), []);

    // A power cut: all of it is gone at once, and comes back.
    await cluster.kill();
    await cluster.up();
    await settled(cluster);
    const { items } = JSON.parse(await kubectl.ok("get configmaps -l load=yes -o json")) as { items: ConfigMap[] };
    assert(items.length >= acknowledged.length);
    await kubectl.ok("wait --for=condition=Ready node --all --timeout=30s");
  },
});

Deno.test({
  name: "member move-leader hands the store over, and writes go on",
  ignore,
  fn: async () => {
    const flags = ["--masters", "3", "--runtime", "simulated"];
    await using cluster = await TestCluster.start({ nodes: 1, flags });
    const before = await settled(cluster);
    const follower = before.find(({ role }) => role === "follower")!;
    await cluster.chartroom("member", "move-leader", follower.name);
    await eventually("it leads", async () => {
      const leader = (await members(cluster)).find(({ role }) => role === "leader");
      assertEquals(leader?.name, follower.name);
    });
    await cluster.kubectl.ok("create configmap after -n kube-public");

    // One more, with a token and a disk of its own; its keys are handed to nobody else.
    const own = ["--name", "extra", "--state", `${cluster.directory}/extra`, "--runtime", "simulated"];
    const forWorkers = /^chartroom worker (.*)$/m.exec(await cluster.chartroom("token", "create"))![1]!;
    const refused = await chartroom("master", ...forWorkers.split(" "), ...own);
    assertEquals(refused.code, 1);
    assertMatch(refused.said, /cannot post path "\/chartroom\/join\/master"/);
    const words = /^chartroom (master .*)$/m.exec(await cluster.chartroom("token", "create", "--master"))![1]!;
    const extra = new Deno.Command(`${root}chartroom`, {
      args: [...words.split(" "), ...own],
      env: { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await eventually("it has a vote", async () => {
        const roles = (await members(cluster)).map(({ name, role }) => `${name} ${role}`);
        assert(roles.includes("extra follower"), roles.join(", "));
      });
      assertEquals((await Deno.stat(`${cluster.directory}/extra/pki/ca.key`)).mode! & 0o777, 0o600);
      await cluster.chartroom("member", "remove", "extra");
      await eventually("it is gone", async () => {
        assertEquals((await members(cluster)).map(({ name }) => name).sort(), ["master-0", "master-1", "master-2"]);
      });
      assertEquals((await extra.status).code, 1);
    } finally {
      try {
        extra.kill("SIGKILL");
      } catch {
        // It has ended, as it should.
      }
      await extra.status;
    }
    assertMatch(await cluster.chartroom("status"), /Process +master-2 \d+/);
  },
});
