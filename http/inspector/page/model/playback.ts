/**
 * How an actor stood after one of its records, from the records alone: states, context as far as it was told, timers,
 * orders under way. What the server says about now, this says about then.
 */
import type { ChartDefinition, Explanation, Json, TransitionRecord } from "../../../../ports/inspection.ts";
import { chartIndex, descriptionOf, outwards } from "./chart_index.ts";
import { duration } from "./words.ts";
import { happenedInWords } from "./story.ts";

export interface StandingThen {
  readonly record: TransitionRecord;
  readonly states: readonly string[];
  readonly context: Readonly<Record<string, Json>>;
  readonly timers: readonly { readonly id: string; readonly delay: string; readonly due: number }[];
  readonly orders: readonly { readonly id: number; readonly type: string; readonly since: number }[];
  readonly explanation: Explanation;
}

/** @param index of the record that was the last then. */
export function standingAt(
  chart: ChartDefinition | undefined,
  records: readonly TransitionRecord[],
  index: number,
): StandingThen | undefined {
  const record = records[index];
  if (record === undefined) return undefined;
  const past = records.slice(0, index + 1);
  const context: Record<string, Json> = {};
  const timers = new Map<string, { id: string; delay: string; due: number }>();
  let orders: { id: number; type: string; since: number }[] = [];
  for (const each of past) {
    if (each.cause.by === "start") {
      timers.clear();
      orders = [];
      for (const key of Object.keys(context)) delete context[key];
    }
    Object.assign(context, each.delta.set);
    for (const field of each.delta.unset) delete context[field];
    if (each.cause.by === "timer") timers.delete(each.cause.id);
    if (each.cause.by === "order") orders = withoutAnswered(orders, each.cause.type);
    for (const { id, delay, due } of each.timers) {
      if (due === undefined) timers.delete(id);
      else timers.set(id, { id, delay, due });
    }
    for (const { type } of each.orders) {
      const declared = chart?.orders[type];
      for (const called of declared?.cancels ?? []) orders = orders.filter((order) => order.type !== called);
      if (declared === undefined || declared.answers.length === 0) continue;
      orders.push({ id: each.sequence, type, since: each.wallTime });
    }
  }
  const standing = { record, states: record.states, context, timers: [...timers.values()], orders };
  return { ...standing, explanation: explanationOf(chart, past, standing) };
}

function withoutAnswered<Order extends { type: string }>(orders: readonly Order[], type: string): Order[] {
  const at = orders.findIndex((order) => order.type === type);
  return orders.filter((_, index) => index !== at);
}

const spoken = ["message", "problem", "waitsFor"];

function explanationOf(
  chart: ChartDefinition | undefined,
  past: readonly TransitionRecord[],
  { record, states, context, timers, orders }: Omit<StandingThen, "explanation">,
): Explanation {
  const entered = past.findLastIndex(({ states: then }, index) =>
    then.join() !== (past[index - 1]?.states ?? []).join()
  );
  const since = past[Math.max(0, entered)]!.wallTime;
  return {
    says: spoken.flatMap((field) =>
      typeof context[field] === "string" && context[field] ? [String(context[field])] : []
    ),
    where: states.map((path) => ({ state: path || "(only state)", description: descriptionOf(chart, path) })),
    why: past.slice(Math.max(0, entered)).map((each) => happenedInWords(each)),
    since: duration(record.wallTime - since),
    waitsFor: [
      ...orders.map(({ type }) => `${type}, to be answered by ${chart?.orders[type]?.answers.join(" or ")}`),
      ...timers.map(({ delay, due }) => `"${delay}", in ${duration(due - record.wallTime)}`),
    ],
    movesOn: chart === undefined ? [] : movesOn(chart, states, timers),
  };
}

function movesOn(
  chart: ChartDefinition,
  states: readonly string[],
  timers: readonly { readonly id: string }[],
): string[] {
  const { states: known } = chartIndex(chart);
  const lines = new Set<string>();
  for (const state of states) {
    const settled = new Set<string>();
    for (const path of outwards(state)) {
      const here = known.get(path)?.transitions ?? [];
      for (const { kind, on, label, guard, targets } of here) {
        if (kind === "always" || targets.length === 0 || settled.has(on)) continue;
        if (kind === "after" && !timers.some(({ id }) => id === on)) continue;
        lines.add(`${label}${guard === undefined ? "" : ` if "${guard}"`}: to ${targets.join(", ")}`);
      }
      for (const { on, guard } of here) if (guard === undefined) settled.add(on);
    }
  }
  return [...lines];
}
