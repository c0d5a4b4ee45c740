/** Three masters, each a process, with a replicated store: none of them may be missed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { administrator, administratorAccess } from "../../commands/administrator.ts";
import { ClusterState } from "../../commands/cluster_state.ts";
import { type MemberList, membersPath } from "../../commands/member_routes.ts";
import { getJson, postJson } from "../../commands/post_json.ts";
import { addressPlan } from "../../machines/network/address_plan.ts";
import type { ConfigMap } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";
import { JoinedProcess, joinWords, members, settled } from "../support/masters.ts";

const ignore = clientsMissing("kubectl", "helm");
/** Of the first master that joins with a token. */
const joinedNumber = 8;

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
    async [Symbol.asyncDispose]() {
      over = true;
      await done;
    },
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

    await using writing = await startWriting(cluster);
    await eventually("writes go well", () => assert(writing.count() > 50));
    const leader = before.find(({ role }) => role === "leader")!;
    Deno.kill(leader.pid, "SIGKILL");
    const reached = writing.count();
    // Stock kubectl knows one server: whoever of the masters lives answers there.
    await eventually("kubectl works", () => kubectl.ok("get nodes"), { withinMs: 5_000, everyMs: 20 });
    await eventually("writes go on", () => assert(writing.count() > reached + 50));
    // Whoever decided for the cluster on that master, another one does now.
    await kubectl.ok("create deployment web --image=web --replicas=3");
    await kubectl.ok("rollout status deployment web --timeout=60s");
    for (const lease of ["kube-scheduler", "kube-controller-manager"]) {
      const holder = await kubectl.ok([
        "get",
        "lease",
        "-n",
        "kube-system",
        lease,
        "-o",
        "jsonpath={.spec.holderIdentity}",
      ]);
      assertMatch(holder, /^master-/);
    }
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
  name: "restart ends one master after the other under a constant write load: each comes back, and no write is lost",
  ignore,
  fn: async () => {
    const flags = ["--masters", "3", "--runtime", "simulated"];
    await using cluster = await TestCluster.start({ nodes: 1, flags });
    const before = await settled(cluster);
    await using writing = await startWriting(cluster);
    await eventually("writes go well", () => assert(writing.count() > 50));
    const said = await cluster.chartroom("restart");
    const inTurn = [...said.matchAll(/(master-\d) restarted/g)].map(([, name]) => name);
    assertEquals(inTurn.toSorted(), ["master-0", "master-1", "master-2"]);
    assertEquals(inTurn.at(-1), before.find(({ role }) => role === "leader")!.name);
    const reached = writing.count();
    await eventually("writes go on", () => assert(writing.count() > reached + 50));
    const { acknowledged, longestMs } = await writing.stop();
    console.log(`    ${acknowledged.length} writes; the longest gap between two: ${Math.round(longestMs)} ms`);
    const after = await settled(cluster);
    for (const { name, pid } of before) assert(after.find((each) => each.name === name)!.pid !== pid, name);
    const there = new Set(
      (await cluster.kubectl.ok("get configmaps -l load=yes -o name")).split("\n")
        .map((line) => line.replace("configmap/", "")),
    );
    assertEquals(acknowledged.filter((name) => !there.has(name)), []);
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
  },
});

Deno.test({
  name: "a master that is removed answers what it was asked, its own removal too, and ends; its name can join again",
  ignore,
  fn: async () => {
    const flags = ["--masters", "3", "--runtime", "simulated"];
    await using cluster = await TestCluster.start({ nodes: 1, flags });
    const own = ["--name", "extra", "--runtime", "simulated"];
    const at = (directory: string) => ["--state", `${cluster.directory}/${directory}`];
    const added = await cluster.chartroom("member", "add", "extra");
    assertMatch(added, /^chartroom master --join \S+ --token \S+ --ca-hash \S+ --name extra$/m);
    const refused = await chartroom(
      "master",
      ...(await joinWords(cluster)).slice(1),
      ...own,
      ...at("never"),
    );
    assertEquals(refused.code, 1);
    assertMatch(refused.said, /cannot post path "\/chartroom\/join\/master"/);
    const words = await joinWords(cluster, "--master");
    const removals = {
      byCommand: () => cluster.chartroom("member", "remove", "extra"),
      byItself: () => removedByItself(cluster),
    };
    for (const [directory, remove] of Object.entries(removals)) {
      await using extra = new JoinedProcess([...words, ...own, ...at(directory)]);
      await eventually("it has a vote", async () => {
        const roles = (await members(cluster)).map(({ name, role }) => `${name} ${role}`);
        assert(roles.includes("extra follower"), roles.join(", "));
      }, { withinMs: 60_000 });
      // Its keys are handed to nobody else.
      for (const key of ["ca.key", "front-proxy-ca.key", "sa.key", "store-ca.key"]) {
        const path = `${cluster.directory}/${directory}/pki/${key}`;
        assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600, key);
        assertEquals(await Deno.readTextFile(path), await Deno.readTextFile(`${cluster.state}/pki/${key}`), key);
      }
      await remove();
      assertEquals((await extra.status).code, 1);
      assertMatch(extra.said, /extra was removed from the store: this process ends, and \S+ can be deleted/);
      assertEquals((await members(cluster)).map(({ name }) => name).sort(), ["master-0", "master-1", "master-2"]);
    }
    assertMatch(await cluster.chartroom("status"), /Process +master-2 \d+/);
  },
});

/** Asked at the address that is its alone. */
async function removedByItself(cluster: TestCluster): Promise<void> {
  const state = new ClusterState(cluster.name, cluster.state);
  const access = await administratorAccess(state);
  const { index } = (await state.identity())!;
  const { id } = (await getJson<MemberList>(`${access.server}${membersPath}`, access))
    .find(({ name }) => name === "extra")!;
  const server = `https://127.0.${index + 1}.${joinedNumber + 1}:${addressPlan(index).apiServerPort}`;
  await postJson(`${server}${membersPath}/remove`, { id }, access);
}
