import { assert, assertEquals } from "@std/assert";
import { type PriorityLevel, PriorityLevels, type Seated } from "../../../machines/flow_control/priority_levels.ts";
import { handOf } from "../../../machines/flow_control/shuffle_shard.ts";

const level = (name: string, limited: object): PriorityLevel =>
  ({ metadata: { name }, spec: { type: "Limited", limited } }) as unknown as PriorityLevel;
const queued = (name: string, shares: number, more: object = {}, queuing: object = {}) =>
  level(name, {
    nominalConcurrencyShares: shares,
    limitResponse: { type: "Queue", queuing: { queues: 16, handSize: 4, queueLengthLimit: 3, ...queuing } },
    ...more,
  });

function world(seats: number, ...objects: PriorityLevel[]) {
  const levels = new PriorityLevels<string>(seats);
  levels.configure(objects);
  const running: Seated<string>[] = [];
  let now = 0;
  const arrive = (name: string, flow: string, item = flow, size = 1) => {
    const arrival = levels.arrive(levels.get(name)!, flow, item, size, now);
    if (arrival.type === "run") running.push(arrival.seated);
    return arrival.type === "rejected" ? arrival.reason : arrival.type;
  };
  /** Whatever runs first ends after `ms`; who begins then. */
  const end = (ms = 100): string[] => {
    now += ms;
    levels.finish(running.shift()!, now);
    const begun: string[] = [];
    for (let seated = levels.next(now); seated !== undefined; seated = levels.next(now)) {
      running.push(seated);
      begun.push(seated.item);
    }
    return begun;
  };
  return { levels, arrive, end, running };
}

Deno.test("handOf deals distinct queues, the same to the same flow and seldom the same to two", () => {
  const hands = Array.from({ length: 500 }, (_, index) => handOf(`flow-${index}`, 64, 6));
  for (const hand of hands) {
    assertEquals(new Set(hand).size, 6);
    assert(hand.every((card) => card >= 0 && card < 64));
  }
  assertEquals(handOf("flow-7", 64, 6), hands[7]);
  assertEquals(new Set(hands.map((hand) => [...hand].sort().join())).size, 500);
  assertEquals(new Set(hands.flat()).size, 64);
  assertEquals(handOf("x", 3, 8).toSorted(), [0, 1, 2]);
});

Deno.test("PriorityLevels shares the seats out by the levels' shares", () => {
  const { levels } = world(600, queued("a", 100), queued("b", 40), level("c", { nominalConcurrencyShares: 5 }));
  assertEquals([...levels.levels()].map(({ nominal }) => nominal), [414, 166, 21]);
});

Deno.test("PriorityLevels rejects beyond the seats where a level says so, and beyond its queues' length elsewhere", () => {
  const rejecting = world(2, level("r", { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } }));
  assertEquals(["a", "b", "c"].map((flow) => rejecting.arrive("r", flow)), ["run", "run", "concurrency-limit"]);
  const queues = world(1, queued("q", 1, {}, { queues: 1, handSize: 1 }));
  assertEquals(["1", "2", "3", "4", "5"].map((item) => queues.arrive("q", "f", item)), [
    ...["run", "wait", "wait", "wait"],
    "queue-full",
  ]);
  assertEquals([queues.end(), queues.end(), queues.end(), queues.end()], [["2"], ["3"], ["4"], []]);
});

Deno.test("PriorityLevels serves a quiet flow between the requests of one that floods", () => {
  const { arrive, end } = world(1, queued("q", 1, {}, { queueLengthLimit: 100 }));
  for (let index = 0; index < 40; index++) arrive("q", "flood", `flood-${index}`);
  end();
  arrive("q", "quiet");
  const order = Array.from({ length: 4 }, () => end()[0]);
  assert(order.includes("quiet"), `the quiet flow waits behind ${order}`);
});

Deno.test("PriorityLevels gives two flows that both flood the same", () => {
  const { arrive, end } = world(1, queued("q", 1, {}, { queueLengthLimit: 100, queues: 128, handSize: 1 }));
  for (let index = 0; index < 30; index++) for (const flow of ["one", "other"]) arrive("q", flow);
  const served = Array.from({ length: 30 }, () => end()[0]);
  const ones = served.filter((flow) => flow === "one").length;
  assert(ones >= 13 && ones <= 17, `${ones} of 30`);
});

Deno.test("PriorityLevels lends what a level does not use, no more than it lends, and keeps the rest for it", () => {
  const { arrive, levels } = world(20, queued("busy", 10), queued("idle", 10, { lendablePercent: 50 }));
  const flows = Array.from({ length: 30 }, (_, index) => arrive("busy", `flow-${index}`));
  assertEquals(flows.filter((each) => each === "run").length, 15);
  assertEquals(Array.from({ length: 5 }, (_, index) => arrive("idle", `flow-${index}`)), Array(5).fill("run"));
  assertEquals([arrive("idle", "one more"), levels.get("idle")!.executing], ["wait", 5]);
});

Deno.test("PriorityLevels borrows no more than a level may", () => {
  const { arrive } = world(
    20,
    queued("busy", 10, { borrowingLimitPercent: 20 }),
    queued("idle", 10, { lendablePercent: 100 }),
  );
  const flows = Array.from({ length: 30 }, (_, index) => arrive("busy", `flow-${index}`));
  assertEquals(flows.filter((each) => each === "run").length, 12);
});

Deno.test("PriorityLevels takes a request that is larger than its level when nothing else of it runs", () => {
  const { arrive, end } = world(2, queued("q", 1));
  assertEquals([arrive("q", "large", "large", 10), arrive("q", "small")], ["run", "wait"]);
  assertEquals(end(), ["small"]);
});

Deno.test("PriorityLevels never makes the exempt level wait, and lets who waits leave", () => {
  const exempt = { metadata: { name: "exempt" }, spec: { type: "Exempt" } } as unknown as PriorityLevel;
  const { arrive, levels } = world(1, exempt, queued("q", 1));
  assertEquals(Array.from({ length: 50 }, () => arrive("exempt", "f")), Array(50).fill("run"));
  arrive("q", "a");
  const waiting = levels.arrive(levels.get("q")!, "b", "b", 1, 0);
  assert(waiting.type === "wait");
  assertEquals([levels.leave(waiting.seated), levels.leave(waiting.seated), levels.get("q")!.waiting], [
    true,
    false,
    0,
  ]);
});

Deno.test("PriorityLevels lets nobody in where a level has no seats and may borrow none", () => {
  const none = { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: "Reject" } };
  const { arrive } = world(10, queued("q", 1), level("jail", none));
  assertEquals([arrive("jail", "f"), arrive("q", "f")], ["concurrency-limit", "run"]);
});
