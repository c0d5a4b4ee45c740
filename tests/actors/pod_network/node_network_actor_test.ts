import { assertEquals, assertRejects } from "@std/assert";
import { startNodeNetwork } from "../../../actors/pod_network/node_network_actor.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedLinks, SimulatedPodNetwork } from "../../../actors/simulated/pod_network.ts";
import { ActorSystem } from "../../../actors/system.ts";
import { play } from "../kube_proxy/memory_api_client.ts";

function world(links = new SimulatedLinks()) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const simulated = new SimulatedPodNetwork("10.160.0.0/24", links);
  return { clock, system, simulated, start: () => startNodeNetwork({ system, node: "worker-0", network: simulated }) };
}

const sandbox = { id: "a", pid: 1, podKey: "default/a" };

Deno.test("NodeNetwork wires pods once it is set up, and says why it does not before", async () => {
  const { clock, simulated, start } = world();
  simulated.failure = new Error("Cannot set up bridge cr0-b0: no such device");
  const network = start();
  await play(clock);
  await assertRejects(
    () => network.attach(sandbox),
    Error,
    "Cannot wire pod default/a: the node's network is not ready",
  );
  assertEquals([network.status().state, network.status().lastFailure], ["backOff", simulated.failure.message]);
  simulated.failure = undefined;
  await play(clock, 500);
  await network.ready();
  assertEquals(await network.attach(sandbox), { podIP: "10.160.0.2" });
});

Deno.test("NodeNetwork looks again when Docker starts and every minute", async () => {
  const { clock, simulated, start } = world();
  let times = 0;
  const { setUp } = SimulatedPodNetwork.prototype;
  simulated.setUp = () => {
    times++;
    return setUp.call(simulated);
  };
  const network = start();
  await play(clock);
  network.dockerStarted();
  await play(clock);
  assertEquals(times, 2);
  await play(clock, 60_000);
  assertEquals(times, 3);
});

Deno.test("NodeNetwork adopts what a former life wired and removes everything on demand", async () => {
  const links = new SimulatedLinks();
  const first = world(links);
  const former = first.start();
  await play(first.clock);
  await former.attach(sandbox);
  const second = world(links);
  const network = second.start();
  await play(second.clock);
  assertEquals([network.status().adopted, [...(await network.list()).keys()]], [1, ["a"]]);
  const removed = network.remove();
  await play(second.clock);
  await removed;
  assertEquals([links.wired.size, second.system.size], [0, 0]);
});
