import { assert, assertEquals, assertRejects } from "@std/assert";
import { BridgePodNetwork } from "../../actors/pod_network/bridge_pod_network.ts";
import { tearDownNetwork } from "../../actors/pod_network/tear_down_network.ts";
import { dial, hostState, networkTest, run } from "./harness.ts";

networkTest("BridgePodNetwork lets pods of one node, of two nodes and the host reach each other", 30, async (host) => {
  await host.addNode();
  await host.addNode();
  const [a, b, c] = [await host.addPod("a"), await host.addPod("b"), await host.addPod("c", 1)];
  for (const pod of [a, b, c]) await pod.serve(80);
  assertEquals(
    await Promise.all([a.dial(b.podIP, 80), b.dial(a.podIP, 80), a.dial(c.podIP, 80), c.dial(a.podIP, 80)]),
    ["b", "a", "c", "a"],
  );
  assertEquals(await Promise.all([a, b, c].map((pod) => dial(pod.podIP, 80))), ["a", "b", "c"]);
});

networkTest("BridgePodNetwork wires a sandbox once, and anew when its namespace is another", 30, async (host) => {
  const network = await host.addNode();
  const a = await host.addPod("a");
  const again = await network.attach({ id: "a", pid: a.pid, podKey: "default/a" });
  assertEquals(again.podIP, a.podIP);
  await a.end();
  const second = await host.addPod("a");
  assertEquals(second.podIP, a.podIP);
  await second.serve(80);
  assertEquals(await dial(second.podIP, 80), "a");
});

networkTest(
  "BridgePodNetwork finds what a killed process had wired, and clears what it had only begun",
  30,
  async (host) => {
    const network = await host.addNode();
    const a = await host.addPod("a");
    const { bridge } = network.nodePlan;
    await run("ip", ["link", "add", "cr30-unfinished", "master", bridge, "type", "veth"]);
    const successor = new BridgePodNetwork({ plan: host.plan, node: 0, packetFilter: host.packetFilter });
    assertEquals((await successor.setUp()).adopted, 1);
    assertEquals(await successor.list(), new Map([["a", { podIP: a.podIP }]]));
    assert(!(await hostState()).includes("cr30-unfinished"));
    host.networks[0] = successor;
    const b = await host.addPod("b");
    assert(b.podIP !== a.podIP);
    await successor.detach("a");
    await successor.detach("a");
    assertEquals([...(await successor.list()).keys()], ["b"]);
  },
);

networkTest("BridgePodNetwork says why it cannot wire and keeps nothing of it", 30, async (host) => {
  const network = await host.addNode();
  const error = await assertRejects(() => network.attach({ id: "x", pid: 999_999_999, podKey: "default/x" }));
  assert((error as Error).message.startsWith("Cannot wire pod default/x"), (error as Error).message);
  assertEquals((await network.list()).size, 0);
});

networkTest(
  "BridgePodNetwork repairs what others removed: forwarding rules, the table, the bridge itself",
  30,
  async (host) => {
    const network = await host.addNode();
    const [a, b] = [await host.addPod("a"), await host.addPod("b")];
    await a.serve(80);
    const settled = (await hostState()).sort();
    const chain = settled.find((line) => line.startsWith("-A"))!.split(" ")[1]!;
    const { podCidr, podsTable } = host.plan;
    const comment = ["-m", "comment", "--comment", `chartroom ${podsTable}`];
    await run("iptables", ["-D", chain, "-s", podCidr, ...comment, "-j", "ACCEPT"]);
    await run("nft", ["delete", "table", "ip", podsTable]);
    await run("ip", ["link", "delete", "dev", network.nodePlan.bridge]);
    await network.setUp();
    assertEquals((await hostState()).sort(), settled);
    assertEquals([await b.dial(a.podIP, 80), await dial(a.podIP, 80)], ["a", "a"]);
  },
);

networkTest("tearDownNetwork leaves nothing behind, and repairs are idempotent before it", 30, async (host) => {
  const before = await hostState();
  const network = await host.addNode();
  await host.addNode();
  await host.addPod("a");
  const settled = await hostState();
  await network.setUp();
  assertEquals((await hostState()).sort(), settled.sort());
  assert(settled.some((line) => line.includes("-A DOCKER-USER") || line.includes("-A FORWARD")));
  await tearDownNetwork(host.plan, host.packetFilter);
  await tearDownNetwork(host.plan, host.packetFilter);
  assertEquals(await hostState(), before);
});
