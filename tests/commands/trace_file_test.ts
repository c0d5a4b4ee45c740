/** A recorded run is believed as it is, and not when something in it was flipped, left out, invented or changed. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { checkTrace, traceHead, traceLine } from "../../commands/trace_file.ts";
import { faultKinds } from "../../commands/simulation/schedule.ts";
import { simulate } from "../../commands/simulation/simulate.ts";
import type { TracedTransition, TraceRecord } from "../../machines/check/trace_record.ts";

interface Line {
  readonly process: string;
  readonly record: TraceRecord;
}

/** As it comes out of the file. */
async function recorded(): Promise<readonly Line[]> {
  const lines: string[] = [];
  const { violation } = await simulate({
    seed: 3,
    nodes: 2,
    masters: 1,
    minutes: 1,
    faults: faultKinds,
    record: (process, record) => lines.push(traceLine(process, record)),
  });
  assertEquals(violation, undefined);
  return lines.map((line) => JSON.parse(line) as Line);
}

const check = (lines: readonly Line[]) =>
  checkTrace(traceHead + lines.map((line) => `${JSON.stringify(line)}\n`).join(""));

const good = await recorded();

/** Transitions that a cause brought about, spread over the run; those of fewer than three are too few to say much. */
function places(by: TracedTransition["cause"]["by"], most = 12): number[] {
  const all = good.flatMap(({ record }, place) =>
    record.type === "transition" && record.cause.by === by ? [place] : []
  );
  assert(all.length >= 3, `${all.length} came by ${by}`);
  const stride = Math.max(1, Math.floor(all.length / most));
  return all.filter((_, index) => index % stride === 0).slice(0, most);
}

/** The run with something else in place of one line, the records of its process numbered through. */
function changed(place: number, ...lines: readonly Line[]): Line[] {
  const all = [...good.slice(0, place), ...lines, ...good.slice(place + 1)];
  const shift = lines.length - 1;
  if (shift === 0) return all;
  const { process } = good[place]!;
  let isOver = false;
  return all.map((line, index) => {
    const { record } = line;
    if (index <= place + Math.max(0, shift - 1) || line.process !== process || isOver) return line;
    if (record.type === "message.sent") return line;
    // Another process of that name counts from 1 again.
    if (record.sequence === 1) isOver = true;
    return isOver ? line : { process, record: { ...record, sequence: record.sequence + shift } };
  });
}

const at = (place: number) => good[place] as Line & { readonly record: TracedTransition };

async function assertRefused(place: number, what: string, lines: readonly Line[]): Promise<void> {
  const { fault } = await check(lines);
  assert(fault !== undefined, `${what}: ${at(place).record.event.type} of ${at(place).record.actor} was believed`);
  assert(fault.line >= place && fault.actor !== "" && fault.event !== "", JSON.stringify(fault));
}

Deno.test("checkTrace believes a run as it was recorded", async () => {
  const { fault, events, processes } = await check(good);
  assertEquals([fault, processes], [undefined, 7]);
  assertEquals(events, good.filter(({ record }) => record.type === "transition").length);
});

for (const by of ["order", "message", "timer", "world", "start"] as const) {
  Deno.test(`checkTrace refuses a run in which an event that came by ${by} was flipped`, async () => {
    for (const place of places(by, 6)) {
      const { process, record } = at(place);
      const event = { ...record.event, type: "container.neverHeardOf" };
      if (by === "start") {
        const cause = { by: "world" } as const;
        await assertRefused(place, "flipped", changed(place, { process, record: { ...record, event, cause } }));
      } else await assertRefused(place, "flipped", changed(place, { process, record: { ...record, event } }));
    }
  });
}

for (const by of ["order", "message", "timer", "start"] as const) {
  Deno.test(`checkTrace refuses a run in which an event was invented that came by ${by}`, async () => {
    for (const place of places(by, 6)) {
      const { process, record } = at(place);
      const again = { process, record: { ...record, sequence: record.sequence + 1 } };
      await assertRefused(place, "doubled", changed(place, at(place), again));
    }
  });
}

Deno.test("checkTrace refuses a run from which any record was left out", async () => {
  for (const by of ["order", "message", "timer", "world", "start"] as const) {
    for (const place of places(by, 4)) {
      // The last one of a process has none after it that would show the gap.
      const rest = good.slice(place + 1).find(({ process, record }) =>
        process === at(place).process && record.type !== "message.sent"
      );
      if (rest === undefined || (rest.record as TracedTransition).sequence === 1) continue;
      await assertRefused(place, "left out", good.toSpliced(place, 1));
    }
  }
});

Deno.test("checkTrace refuses a run from which an answer, a message or a start was left out, though numbered through", async () => {
  for (const by of ["order", "message", "start"] as const) {
    for (const place of places(by, 6)) {
      const { process, record } = at(place);
      const last = good.findLastIndex(({ record: each }) =>
        each.type === "transition" && each.actor === record.actor && each.incarnation === record.incarnation
      );
      const moved = record.orders.length > 0 || record.timers.length > 0;
      if (!moved || last === place || good[last]!.process !== process) continue;
      await assertRefused(place, "left out", changed(place));
    }
  }
});

Deno.test("checkTrace refuses a run in which an outcome was changed: state, order, timer", async () => {
  for (const place of places("order", 8)) {
    const { process, record } = at(place);
    const other = (change: Partial<TracedTransition>) => changed(place, { process, record: { ...record, ...change } });
    const { snapshot, orders, timers } = record;
    await assertRefused(place, "state", other({ snapshot: { ...snapshot, value: "elsewhere" } }));
    await assertRefused(place, "context", other({ snapshot: { ...snapshot, context: { lie: 1 } } }));
    await assertRefused(place, "orders", other({ orders: [...orders, { type: "deleteEverything", params: {} }] }));
    await assertRefused(place, "timers", other({ timers: [...timers, { id: "x", delayMs: 1, event: { type: "x" } }] }));
  }
});

Deno.test("checkTrace refuses a timer that fires before it is due", async () => {
  for (const place of places("timer", 6)) {
    const { process, record } = at(place);
    const early = { process, record: { ...record, at: record.at - 3_600_000 } };
    const { fault } = await check(changed(place, early));
    assert(fault?.problem.includes("is due"), fault?.problem);
  }
});

Deno.test("checkTrace says who, what, and what was allowed", async () => {
  const [place] = places("order", 1);
  const { process, record } = at(place!);
  const { fault } = await check(changed(place!, { process, record: { ...record, event: { type: "pod.flew" } } }));
  assertEquals([fault?.actor, fault?.event, fault?.sequence], [record.actor, "pod.flew", record.sequence]);
  assert(fault!.allowed.some((each) => each.includes(record.event.type)), fault!.allowed.join());
});

Deno.test("checkTrace refuses what is no trace", async () => {
  await assertRejects(() => checkTrace(""), Error, "Cannot check trace: its first line is no head");
  await assertRejects(() => checkTrace(`${traceHead}nonsense\n`), Error, "Cannot check trace: line 2 is no JSON");
});
