import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedClock } from "../../../actors/simulated/simulated_clock.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import { type NetworkFaults, SimulatedNetwork } from "../../../actors/simulated/simulated_transport.ts";
import { clockContract } from "../../contracts/clock_contract.ts";
import { randomContract } from "../../contracts/random_contract.ts";
import { transportContract } from "../../contracts/transport_contract.ts";

clockContract("ManualClock", () => {
  const clock = new ManualClock();
  return { clock, pass: (milliseconds) => Promise.resolve(clock.advance(milliseconds)) };
});

clockContract("SimulatedClock", () => {
  const clock = new SimulatedClock();
  return { clock, pass: (milliseconds) => clock.pass(milliseconds) };
});

randomContract("SimulatedRandom", () => new SimulatedRandom(7));

transportContract("SimulatedNetwork", () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(clock, new SimulatedRandom(7), { delayMs: [1, 20] });
  return Promise.resolve({
    join: (name) => Promise.resolve(network.join(name)),
    async until(condition) {
      for (let round = 0; round < 100 && !condition(); round++) await clock.pass(10);
      assert(condition(), "it did not happen in a simulated second");
    },
    close: () => Promise.resolve(),
  });
});

Deno.test("SimulatedClock lets promise chains end before time goes on", async () => {
  const clock = new SimulatedClock();
  const seen: string[] = [];
  clock.wakeAt(5, async () => {
    for (let hop = 0; hop < 50; hop++) await Promise.resolve();
    clock.soon(() => seen.push(`chain ended at ${clock.now()}`));
  });
  clock.wakeAt(6, () => seen.push(`woken at ${clock.now()}`));
  await clock.pass(10);
  assertEquals(seen, ["chain ended at 5", "woken at 6"]);
  assertEquals(clock.now(), 10);
});

Deno.test("SimulatedClock goes on until a condition holds, and no farther", async () => {
  const clock = new SimulatedClock();
  let woken = 0;
  for (const at of [10, 20, 30]) clock.wakeAt(at, () => woken++);
  await clock.until(() => woken === 2, 100);
  assertEquals(clock.now(), 20);
  await assertRejects(() => clock.until(() => woken === 4, 100), Error, "Cannot go on at 30 ms");
});

Deno.test("SimulatedRandom draws the same for the same seed and other draws for another", () => {
  const draws = (seed: number) => {
    const random = new SimulatedRandom(seed);
    return [random.next(), random.uuid(), random.below(1000), ...random.bytes(4)];
  };
  assertEquals(draws(1), draws(1));
  fc.assert(fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
    if (a !== b) assertNotEquals(draws(a), draws(b));
  }));
});

Deno.test("SimulatedRandom forks streams that do not depend on what others drew", () => {
  const random = new SimulatedRandom(3);
  const early = random.fork("disk").next();
  random.next();
  assertEquals(random.fork("disk").next(), early);
  assertNotEquals(random.fork("network").next(), early);
});

function traffic(
  faults: Partial<NetworkFaults>,
  seed: number,
  prepare: (network: SimulatedNetwork) => void = () => {},
) {
  const clock = new ManualClock();
  const network = new SimulatedNetwork(clock, new SimulatedRandom(seed), faults);
  const [a, b] = [network.join("a"), network.join("b")];
  const received: number[] = [];
  b.listen({ received: (_, message) => void received.push(message[0]!) });
  prepare(network);
  for (let index = 0; index < 200; index++) a.send("b", Uint8Array.of(index));
  clock.advance(1000);
  return { received, network, clock, a, b };
}

const inOrder = Array.from({ length: 200 }, (_, index) => index);

Deno.test("SimulatedNetwork delivers everything once and in order when it is sound", () => {
  assertEquals(traffic({}, 1).received, inOrder);
});

Deno.test("SimulatedNetwork loses, doubles and reorders as it is told, the same for the same seed", () => {
  const faults: NetworkFaults = { loss: 0.2, duplication: 0.1, delayMs: [1, 50] };
  const { received, network } = traffic(faults, 1);
  const { lost, duplicated, delivered } = network.counters;
  assert(lost > 20 && lost < 60, `${lost} lost of 200`);
  assert(duplicated > 5 && duplicated < 40, `${duplicated} of 200 doubled`);
  assertEquals(delivered, 200 - lost + duplicated);
  assertNotEquals(received, received.toSorted((x, y) => x - y));
  assertEquals(traffic(faults, 1).received, received);
  assertNotEquals(traffic(faults, 2).received, received);
});

Deno.test("SimulatedNetwork carries nothing across a partition until it heals, also not what was under way", () => {
  const { received, network, clock, a } = traffic({}, 1, (network) => network.partition(["a"], ["b"]));
  assertEquals([received, network.counters.lost], [[], 200]);
  network.heal();
  a.send("b", Uint8Array.of(1));
  network.partition(["a"], ["b"]);
  clock.advance(10);
  assertEquals(received, []);
  network.heal();
  a.send("b", Uint8Array.of(2));
  clock.advance(10);
  assertEquals(received, [2]);
});

Deno.test("SimulatedNetwork cuts one direction alone", () => {
  const { received, network, clock, a, b } = traffic({}, 1, (network) => network.cut("b", "a"));
  assertEquals(received, inOrder);
  const unreachable: string[] = [];
  b.listen({ received: () => {}, unreachable: (peer) => void unreachable.push(peer) });
  a.listen({ received: () => void unreachable.push("arrived all the same") });
  b.send("a", Uint8Array.of(1));
  clock.advance(10);
  assertEquals([unreachable, network.counters.lost], [["a"], 1]);
});
