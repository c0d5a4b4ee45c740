/** The judges are judged: a history of a store that kept its promises, altered in one place, is found out by its rule. */
import { assert, assertEquals } from "@std/assert";
import { type Event, History, type Operation, type Said, type Watch } from "./history.ts";
import { describe, judge } from "./judge/judge.ts";
import { simulateStore } from "./simulated/simulate_store.ts";

const run = await simulateStore({
  seed: 1,
  seconds: 5,
  accidents: ["kill", "pause"],
  workload: { clients: 10, pauseMs: 20, keys: 4, keptRevisions: 0 },
});

type Events = Extract<Said, { type: "events" }>;

/** A copy that may be altered. */
function copied(): History {
  const copy = new History(() => 0);
  copy.operations.push(...structuredClone(run.history.operations));
  copy.watches.push(...structuredClone(run.history.watches));
  return copy;
}

const batchesOf = (watch: Watch) => watch.said.filter((said): said is Events => said.type === "events");

/** The first watch and batch that fit. */
function batch(history: History, fits: (batch: Events, watch: Watch, at: number) => boolean): [Events, Watch, number] {
  for (const watch of history.watches) {
    for (const [at, said] of watch.said.entries()) {
      if (said.type === "events" && at > 0 && fits(said, watch, at)) return [said, watch, at];
    }
  }
  throw new Error("Cannot alter the history: it has no such batch");
}

function operation(history: History, fits: (operation: Operation) => boolean): Operation {
  const found = history.operations.slice(40).find(fits);
  if (found === undefined) throw new Error("Cannot alter the history: it has no such operation");
  return found;
}

const set = (target: object, changes: object) => void Object.assign(target, changes);
const isPartial = (watch: Watch) => watch.client.startsWith("watcher");
const sized = (least: number, most = Infinity) => ({ events }: Events, watch: Watch) =>
  isPartial(watch) && events.length >= least && events.length <= most;
const isDone = (what: string) => ({ call, answer }: Operation) =>
  call.do === what && answer?.came === "done" && answer.revision > 20;

const alterations: Record<string, { readonly rule: string; alter(history: History): void }> = {
  "an event is left out": {
    rule: "watches are reliable",
    alter: (history) => void (batch(history, sized(1, 1))[0].events as Event[]).pop(),
  },
  "a batch is left out": {
    rule: "watches are reliable",
    alter: (history) => {
      const [, watch, at] = batch(history, (each, watch, at) => sized(1)(each, watch) && at < watch.said.length - 1);
      watch.said.splice(at, 1);
    },
  },
  "a watch says nothing more": {
    rule: "watches are reliable",
    alter: (history) => {
      const watch = history.watches.findLast((each) => isPartial(each) && batchesOf(each).length > 2)!;
      delete watch.cancelled;
      watch.said.length = 1;
    },
  },
  "an event comes twice": {
    rule: "watches are unique",
    alter: (history) => {
      const [{ events }, watch, at] = batch(history, sized(1));
      (batchesOf(watch).find((each) => watch.said.indexOf(each) >= at)!.events as Event[]).push(events[0]!);
    },
  },
  "two batches change places": {
    rule: "watches are ordered",
    alter: (history) => {
      const [, watch, at] = batch(
        history,
        (each, watch, at) => sized(1)(each, watch) && watch.said[at - 1]!.type === "events",
      );
      [watch.said[at - 1], watch.said[at]] = [watch.said[at]!, watch.said[at - 1]!];
    },
  },
  "a revision is split": {
    rule: "watches are atomic",
    alter: (history) => {
      const [said, watch, at] = batch(
        history,
        (each) => each.events[0]?.record.mod === each.events[1]?.record.mod && each.events.length === 2,
      );
      watch.said.splice(at, 1, { ...said, events: said.events.slice(0, 1) }, { ...said, events: said.events.slice(1) });
    },
  },
  "a watch tells of another key": {
    rule: "watches are filtered",
    alter: (history) => {
      const [said] = batch(history, (each, watch) => sized(1)(each, watch) && watch.key.endsWith("pods/"));
      set(said.events[0]!.record, { key: "/registry/secrets/1" });
    },
  },
  "a watch begins before its beginning": {
    rule: "watches are resumable",
    alter: (history) => {
      const [, watch, at] = batch(history, sized(1));
      set(watch, { start: batchesOf(watch).find((each) => watch.said.indexOf(each) >= at)!.revision + 1 });
    },
  },
  "a watch is over as compacted for no reason": {
    rule: "watches are resumable",
    alter: (history) => {
      const [{ at: moment }, watch, at] = batch(history, sized(1));
      watch.said.splice(at + 1, Infinity, { type: "closed", at: moment, code: "compacted" });
    },
  },
  "progress is told before its events": {
    rule: "watches are bookmarkable",
    alter: (history) => {
      const [said, watch, at] = batch(history, sized(1));
      watch.said.splice(at, 0, { type: "progress", at: said.at, revision: said.events[0]!.record.mod });
    },
  },
  "what was before an event is another record": {
    rule: "watches are right about what was before",
    alter: (history) => {
      const [{ events }] = batch(
        history,
        ({ events: [event] }, watch) => isPartial(watch) && event?.previous !== undefined,
      );
      set(events[0]!.previous!, { value: "other" });
    },
  },
  "what was before an event is left out": {
    rule: "watches are right about what was before",
    alter: (history) => {
      const [{ events }] = batch(
        history,
        ({ events: [event] }, watch) => isPartial(watch) && event?.previous !== undefined,
      );
      set(events[0]!, { previous: undefined });
    },
  },
  "an update is told as a creation": {
    rule: "watches are true",
    alter: (history) => {
      const [{ events }] = batch(
        history,
        ({ events: [event] }, watch) => isPartial(watch) && (event?.record.version ?? 0) > 1,
      );
      set(events[0]!.record, { create: events[0]!.record.mod, version: 1 });
    },
  },
  "a revision that nobody was told of": {
    rule: "reliable",
    alter: (history) => {
      for (const { said } of history.watches) {
        for (const part of said) {
          if (part.type === "events") set(part, { events: part.events.filter((e) => e.record.mod !== 30) });
        }
      }
    },
  },
  "an answered write is not there": {
    rule: "no acknowledged write is lost",
    alter: (history) => set(operation(history, isDone("put")).answer!, { revision: 1_000_000 }),
  },
  "a write is answered with the revision of another": {
    rule: "a revision is one write that was asked for",
    alter: (history) => {
      const done = operation(history, isDone("put"));
      set(done.answer!, { revision: (done.answer as { revision: number }).revision - 1 });
    },
  },
  "a write is there that was refused": {
    rule: "a revision is one write that was asked for",
    alter: (history) => set(operation(history, isDone("put")), { answer: { came: "refused", why: "altered" } }),
  },
  "a write is there that nobody asked for": {
    rule: "a revision is one write that was asked for",
    alter: (history) => set(operation(history, isDone("put")).call, { value: "other" }),
  },
  "a guarded update is done although somebody was faster": {
    rule: "what is read is what was there",
    alter: (history) => {
      const done = operation(
        history,
        (each) => isDone("put")(each) && ((each.call as { expected?: number }).expected ?? 0) > 0,
      );
      set(done.call, { expected: (done.call as { expected: number }).expected - 1 });
    },
  },
  "a read is of the past": {
    rule: "linearizable",
    alter: (history) => {
      const read = operation(history, (each) => {
        if (each.call.do !== "get" || each.call.stale || each.answer?.came !== "read") return false;
        return earlier(history, each) !== undefined;
      });
      set(read.answer!, { records: [earlier(history, read)!] });
    },
  },
  "a read has a revision of the past": {
    rule: "operations take effect between call and answer",
    alter: (history) => {
      const read = operation(
        history,
        ({ call, answer }) => call.do === "get" && !call.stale && answer?.came === "read",
      );
      set(read.answer!, { revision: 2 });
    },
  },
  "a stale read sees what never was": {
    rule: "what is read is what was there",
    alter: (history) => {
      const read = operation(
        history,
        ({ call, answer }) => call.do === "get" && call.stale && answer?.came === "read" && answer.records.length > 0,
      );
      set((read.answer as unknown as { records: object[] }).records[0]!, { value: "other" });
    },
  },
  "a member goes back": {
    rule: "a member goes forward",
    alter: (history) => {
      const read = operation(history, ({ call, answer }) => call.do === "get" && call.stale && answer?.came === "read");
      set(read.answer!, { revision: 2, records: [] });
    },
  },
  "a write takes effect before it is called": {
    rule: "operations take effect between call and answer",
    alter: (history) => {
      const done = operation(history, isDone("put"));
      set(done.called, { place: done.answered!.place + 50 });
      set(done.answered!, { place: done.called.place + 1 });
    },
  },
  "a record skips a version": {
    rule: "records go on from those before",
    alter: (history) => {
      const archive = history.watches.find(({ client, said }) => client === "archive 1" && said.length > 20)!;
      const { mod } =
        batchesOf(archive).slice(5).flatMap(({ events }) => events).find(({ type }) => type === "put")!.record;
      for (const { events } of history.watches.flatMap(batchesOf)) {
        for (const { record } of events) if (record.mod === mod) set(record, { version: 99 });
      }
    },
  },
  "two watches tell different things": {
    rule: "one history",
    alter: (history) => {
      const archive = history.watches.findLast(({ client }) => client === "archive 2")!;
      set(batchesOf(archive)[0]!.events[0]!.record, { value: "other" });
    },
  },
};

/** What the key of a get held well before it was called, and no more when it was. */
function earlier(history: History, { call, called }: Operation): object | undefined {
  const key = (call as { key: string }).key;
  const before = history.operations.flatMap(({ call, answer, answered }) =>
    call.do === "put" && call.key === key && answer?.came === "done" && answered!.place < called.place
      ? [{ call, revision: answer.revision }]
      : []
  );
  if (before.length < 3) return undefined;
  const events = history.watches.flatMap(batchesOf).flatMap(({ events }) => events);
  return events.find(({ record }) => record.mod === before[0]!.revision)?.record;
}

Deno.test("judge finds nothing in the history of a store that kept its promises", () => {
  assertEquals(run.story, "");
  assertEquals(run.judgement.unknown, []);
  const { operations, writes, events } = run.judgement.counts;
  assert(operations > 800 && writes > 150 && events > 800, JSON.stringify(run.judgement.counts));
});

for (const [name, { rule, alter }] of Object.entries(alterations)) {
  Deno.test(`judge finds that ${name}`, () => {
    const history = copied();
    alter(history);
    const judgement = judge(history, { endsAt: run.endsAt });
    const rules = [...new Set(judgement.violations.map((violation) => violation.rule))];
    assert(rules.includes(rule), `${rule} is not among those that were found broken: ${rules.join("; ") || "none"}`);
    assert(describe(history, judgement).includes(rule));
  });
}
