/**
 * What inspection costs: events a second through an actor with nobody watching, with a bare observer, with a page that
 * watches the list, and with one that follows every record; the memory that a burst of 100,000 events leaves behind.
 */
import { assign, setup } from "xstate";
import { Hub } from "../actors/inspection/inspection_hub.ts";
import { SystemSource } from "../actors/inspection/system_source.ts";
import { realClock } from "../actors/real/real_clock.ts";
import { actorKind, ActorSystem, address } from "../actors/system.ts";
import type { ClientMessage } from "../ports/inspection.ts";

const counterMachine = setup({
  types: { context: {} as { count: number }, events: {} as { type: "tick"; value: number } },
  actions: { count: assign({ count: ({ context }) => (context.count + 1) % 1_000 }) },
}).createMachine({
  id: "counter",
  options: { maxIterations: 100 },
  context: { count: 0 },
  initial: "even",
  states: {
    even: { on: { tick: { target: "odd", actions: "count" } } },
    odd: { on: { tick: { target: "even", actions: "count" } } },
  },
});
const kind = actorKind("counter", counterMachine, {});
const actors = 100;
const events = 100_000;

type Watching = "nobody" | "bare observer" | "one page" | "one page follows all";

const wishes: Readonly<Record<Watching, readonly ClientMessage[]>> = {
  nobody: [],
  "bare observer": [],
  "one page": [{ type: "watch" }],
  "one page follows all": [{ type: "watch" }, { type: "follow", filter: {} }],
};

interface Measured {
  readonly perSecond: number;
  /** Of it, spent on what came before the page was told. */
  readonly pathPerSecond: number;
  readonly megabytes: number;
  readonly sent: number;
}

async function measure(watching: Watching): Promise<Measured> {
  const system = new ActorSystem({ clock: realClock });
  const hub = new Hub({ clock: realClock, cluster: "bench", session: "bench" });
  hub.add(new SystemSource({ system, name: "bench" }));
  const handles = Array.from({ length: actors }, (_, index) =>
    system.spawn(kind, {
      address: address({ node: "bench", kind: "counter", name: `c-${index}` }),
      input: undefined,
    }));
  let sent = 0;
  let heard = 0;
  if (watching === "bare observer") system.inspect(() => heard++);
  const connection = wishes[watching].length === 0 ? undefined : hub.connect({
    send: (text) => void (sent += text.length),
    unsentBytes: 0,
    maySee: () => true,
    maySend: false,
  });
  for (const wish of wishes[watching]) connection?.receive(JSON.stringify(wish));
  (globalThis as unknown as { gc?: () => void }).gc?.();
  const before = Deno.memoryUsage().heapUsed;
  const start = performance.now();
  for (let count = 0; count < events; count++) handles[count % actors]!.send({ type: "tick", value: count });
  while (system.counters.transitions < actors + events) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const pathMs = performance.now() - start;
  // What is coalesced is told a tenth of a second later.
  await new Promise((resolve) => setTimeout(resolve, 150));
  const ms = performance.now() - start - 150;
  (globalThis as unknown as { gc?: () => void }).gc?.();
  const megabytes = (Deno.memoryUsage().heapUsed - before) / 2 ** 20;
  connection?.close();
  hub.stop();
  system.stopAll();
  return { perSecond: events / Math.max(ms, pathMs) * 1000, pathPerSecond: events / pathMs * 1000, megabytes, sent };
}

await measure("nobody");
const rounds = 5;
const results = new Map<Watching, Measured[]>();
for (let round = 0; round < rounds; round++) {
  for (const watching of Object.keys(wishes) as Watching[]) {
    const list = results.get(watching) ?? [];
    list.push(await measure(watching));
    results.set(watching, list);
  }
}
const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1]!;
const base = median(results.get("nobody")!.map(({ perSecond }) => perSecond));
console.log(`${events.toLocaleString("en")} events to ${actors} actors, median of ${rounds} rounds`);
for (const [watching, list] of results) {
  const perSecond = median(list.map((each) => each.perSecond));
  const path = median(list.map((each) => each.pathPerSecond));
  console.log(
    `${watching.padEnd(22)} ${Math.round(perSecond).toLocaleString("en").padStart(9)}/s ` +
      `(event path ${Math.round(path).toLocaleString("en")}/s), ratio ${(perSecond / base).toFixed(2)}, ` +
      `heap after ${median(list.map((each) => each.megabytes)).toFixed(1)} MB, ` +
      `sent ${(median(list.map((each) => each.sent)) / 2 ** 20).toFixed(2)} MB`,
  );
}
Deno.exit(0);
