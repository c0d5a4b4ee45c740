/** The store of a cluster as a file, and a cluster from such a file; real processes, and containers where they run. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { revisionsAhead } from "../../machines/store/restored_state.ts";
import { buildBusybox, busybox } from "../docker/images.ts";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { type Client, clientsMissing } from "../support/kubectl.ts";
import { settled } from "../support/masters.ts";

const ignore = clientsMissing("kubectl", "helm");

const names = async (kubectl: Client) =>
  (await kubectl.ok("get configmaps -l load=yes -o name")).trim().split("\n").sort();

const create = (kubectl: Client, name: string) =>
  kubectl.ok(`create configmap ${name}`).then(() => kubectl.ok(`label configmap ${name} load=yes`));

const revisionOf = async (kubectl: Client, name: string) =>
  Number(await kubectl.ok(["get", "configmap", name, "-o", "jsonpath={.metadata.resourceVersion}"]));

Deno.test({
  name:
    "a cluster of three masters is saved, loses all its disks, and comes back as it was saved, with one master and three",
  ignore,
  fn: async () => {
    const flags = ["--masters", "3", "--runtime", "simulated"];
    await using cluster = await TestCluster.start({ nodes: 1, flags });
    const { kubectl, directory, state } = cluster;
    await settled(cluster);
    await create(kubectl, "kept");
    const file = `${directory}/saved`;
    assertMatch(
      await cluster.chartroom("snapshot", "save", file),
      /^Saved to \S+: revision \d+, \d+ objects, \d+ bytes.$/m,
    );
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    await create(kubectl, "lost");
    const last = await revisionOf(kubectl, "lost");

    // What stands in the way is said.
    const own = ["--name", cluster.name, "--state", state];
    const running = await chartroom("snapshot", "restore", file, ...own);
    assertMatch(running.said, /it runs already/);
    await cluster.chartroom("down");
    const stopped = await chartroom("snapshot", "save", `${directory}/never`, ...own);
    assertEquals(stopped.code, 1);
    assertMatch(stopped.said, /Cannot save a snapshot to \S+/);
    const taken = await chartroom("snapshot", "restore", file, ...own);
    assertMatch(taken.said, /there is a store already \("store"\); move it away first/);
    await Deno.writeTextFile(`${directory}/torn`, "");
    const torn = await chartroom("snapshot", "restore", `${directory}/torn`, ...own);
    assertMatch(torn.said, /Cannot read \S+torn"/);

    for (const masters of [1, 3]) {
      for (const each of ["store", "masters"]) {
        await Deno.remove(`${state}/${each}`, { recursive: true }).catch(() => {});
      }
      assertMatch(await cluster.chartroom("snapshot", "restore", file), /The keys in its pki directory stay/);
      await cluster.chartroom("up", "--detach", "--nodes", "1", "--masters", `${masters}`, "--runtime", "simulated");
      if (masters === 3) await settled(cluster);
      assertEquals(await names(kubectl), ["configmap/kept"]);
      await create(kubectl, "after");
      const revision = await revisionOf(kubectl, "after");
      assert(revision > last && revision > revisionsAhead, `${revision} is not later than ${last}`);
      await kubectl.ok("wait --for=condition=Ready node --all --timeout=60s");
      await cluster.chartroom("down");
    }
    await cluster.up();
  },
});

Deno.test({
  name: "a cluster is restored into a new state directory: its pods are adopted, or made again with new keys",
  ignore,
  fn: async () => {
    await buildBusybox();
    await using cluster = await TestCluster.start({ nodes: 1 });
    const { kubectl, directory, state } = cluster;
    await kubectl.ok("wait --for=create serviceaccount/default --timeout=30s");
    await kubectl.ok(["run", "web", `--image=${busybox}`, "--command", "--", "sh", "-c", "sleep 1000"]);
    await kubectl.ok("wait --for=condition=Ready pod/web --timeout=60s");
    const containerOf = () => kubectl.ok(["get", "pod", "web", "-o", "jsonpath={..containerID}"]);
    const before = await containerOf();
    const file = `${directory}/saved`;
    await cluster.chartroom("snapshot", "save", file);

    // Its processes and its store are lost; its containers run on, its keys are there.
    await cluster.kill();
    await Deno.remove(`${state}/store`, { recursive: true });
    await cluster.chartroom("snapshot", "restore", file);
    await cluster.up();
    await eventually("the kubelet looks after it", () => kubectl.ok("exec web -- true"));
    assertEquals(await containerOf(), before);

    // Nothing is left but the file.
    await cluster.chartroom("down", "--delete-state");
    assertMatch(await cluster.chartroom("snapshot", "restore", file), /The next start makes new keys/);
    await cluster.up();
    await eventually("it runs again", async () => {
      await kubectl.ok("wait --for=condition=Ready pod/web --timeout=5s");
      assert(await containerOf() !== before);
    }, { withinMs: 60_000 });
    await kubectl.ok("exec web -- true");
  },
});
