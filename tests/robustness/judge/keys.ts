/**
 * Linearizability of each key by search, without a look at the order that revisions claim: whatever operations on one
 * key were answered, some order within their calls and answers explains it. (Operations on different keys do not
 * touch each other, and a list is a get of each key; that lists see one moment is held by judgeRevisions.)
 */
import { linearize, type Operation as Placed, type SequentialSpec } from "../../../machines/check/linearize.ts";
import { type Call, type History, isWrite, keysOf, type Record } from "../history.ts";
import type { Violation } from "../story.ts";

/** What one key holds; of a record only what tells it from others. */
type Held = { readonly value: string; readonly mod: number; readonly version: number } | null;
type KeyCall =
  | { readonly do: "put"; readonly held: { readonly value: string; readonly mod: number }; readonly expected?: number }
  | { readonly do: "delete"; readonly expected: number }
  /** The lease of a put runs out. */
  | { readonly do: "expire"; readonly mod: number }
  | { readonly do: "read" };
type KeyAnswer = { readonly done: true } | { readonly found: Held };

const spec: SequentialSpec<Held, KeyCall, KeyAnswer> = {
  init: null,
  apply(state, call) {
    switch (call.do) {
      case "read":
        return { state, answer: { found: state } };
      case "expire":
        return { state: state?.mod === call.mod ? null : state, answer: { done: true } };
      case "delete":
        if (state?.mod !== call.expected) return { state, answer: { found: state } };
        return { state: null, answer: { done: true } };
      case "put":
        if (call.expected !== undefined && (state?.mod ?? 0) !== call.expected) {
          return { state, answer: { found: state } };
        }
        return { state: { ...call.held, version: (state?.version ?? 0) + 1 }, answer: { done: true } };
    }
  },
};

type KeyOperation = Placed<KeyCall, KeyAnswer> & { readonly id: number };

export interface KeysJudgement {
  readonly violations: readonly Violation[];
  readonly looked: number;
  /** Keys of which the search did not come to an end. */
  readonly unknown: readonly string[];
}

export function judgeKeys(history: History, maxSteps = 200_000): KeysJudgement {
  const violations: Violation[] = [];
  const unknown: string[] = [];
  const mods = sightings(history);
  const keys = new Set(history.operations.flatMap(({ call }) => keysOf(call)));
  for (const key of keys) {
    const operations = operationsOn(key, history, mods);
    const { verdict } = linearize(operations, spec, maxSteps);
    if (verdict === "unknown") unknown.push(key);
    if (verdict !== "impossible") continue;
    const least = shortest(operations, maxSteps);
    violations.push({
      rule: "linearizable",
      what: `no order of these ${least.length} operations explains what was answered of ${key}`,
      keys: [key],
      operations: least.map(({ id }) => id),
    });
  }
  return { violations, looked: keys.size, unknown };
}

function operationsOn(key: string, history: History, mods: ReadonlyMap<string, number>): KeyOperation[] {
  const found: KeyOperation[] = [];
  for (const { id, call, called, answer, answered } of history.operations) {
    if (answer?.came === "refused") continue;
    const calledAt = called.place;
    const isOpen = answer === undefined || answer.came === "unknown";
    const end = isOpen ? {} : { answeredAt: answered!.place };
    if (isWrite(call) && keysOf(call).includes(key)) {
      const asked = keyCall(call, answer?.came === "done" ? answer.revision : mods.get(valueOf(call)) ?? -id);
      const came = answer?.came === "conflict" ? { found: heldOf(answer.found) } : { done: true } as const;
      found.push({ id, call: asked, calledAt, ...(isOpen ? {} : { ...end, answer: came }) });
      if (asked.do === "put" && "lease" in call && call.lease) {
        found.push({ id, call: { do: "expire", mod: asked.held.mod }, calledAt: calledAt + 0.5 });
      }
    } else if (answer?.came === "read" && !isStale(call) && isOver(call, key)) {
      const record = answer.records.find((each) => each.key === key);
      found.push({ id, call: { do: "read" }, calledAt, ...end, answer: { found: heldOf(record) } });
    }
  }
  return found;
}

const isStale = (call: Call) => "stale" in call && (call.stale || (call.do === "list" && call.revision !== undefined));
const isOver = (call: Call, key: string) =>
  call.do === "list" ? key.startsWith(call.prefix) : keysOf(call).includes(key);
const valueOf = (call: Call) => "value" in call ? call.value : "";

function keyCall(call: Call, mod: number): KeyCall {
  if (call.do === "delete") return { do: "delete", expected: call.expected };
  if (call.do === "putBoth") return { do: "put", held: { value: call.value, mod } };
  if (call.do !== "put") throw new Error(`Cannot judge ${call.do}: it is no write`);
  return {
    do: "put",
    held: { value: call.value, mod },
    ...(call.expected !== undefined && { expected: call.expected }),
  };
}

const heldOf = (record: Record | undefined): Held =>
  record === undefined ? null : { value: record.value, mod: record.mod, version: record.version };

/** The revision of each value that anybody has seen: that of a write that was not answered is known from those. */
function sightings(history: History): Map<string, number> {
  const mods = new Map<string, number>();
  const see = (record: Record | undefined) => record !== undefined && mods.set(record.value, record.mod);
  for (const { answer } of history.operations) {
    if (answer?.came === "read") answer.records.forEach(see);
    else if (answer?.came === "conflict") see(answer.found);
  }
  for (const { said } of history.watches) {
    for (const part of said) if (part.type === "events") { for (const { record } of part.events) see(record); }
  }
  return mods;
}

/** The history up to where it cannot be explained any more, without whatever has no part in it. */
function shortest(operations: readonly KeyOperation[], maxSteps: number): readonly KeyOperation[] {
  const isImpossible = (some: readonly KeyOperation[]) => linearize(some, spec, maxSteps).verdict === "impossible";
  const answers = operations.flatMap(({ answeredAt }) => answeredAt ?? []).sort((a, b) => a - b);
  let [low, high] = [0, answers.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isImpossible(upTo(operations, answers[middle]!))) high = middle;
    else low = middle + 1;
  }
  let least = upTo(operations, answers[low]!);
  // Reads, and writes that did nothing, may go; without another write, something else would be wrong.
  for (const each of least.toReversed()) {
    if (each.call.do !== "read" && !("found" in (each.answer ?? {})) && each.answeredAt !== undefined) continue;
    const without = least.filter((other) => other !== each);
    if (isImpossible(without)) least = without;
  }
  return least;
}

/** As of a place: what was not answered by then is open. */
function upTo(operations: readonly KeyOperation[], place: number): KeyOperation[] {
  return operations.filter(({ calledAt }) => calledAt < place).map((operation) => {
    if ((operation.answeredAt ?? Infinity) <= place) return operation;
    const { answer: _, answeredAt: __, ...open } = operation;
    return open;
  });
}
