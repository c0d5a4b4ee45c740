/** Actors and their records as the inspection stream tells them. */
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { activeLeaves, delayName } from "../../machines/chart_names.ts";
import { chartOf, edgeId, machineKey } from "../../machines/chart/describe_chart.ts";
import { explain } from "../../machines/explain.ts";
import { possibleEvents } from "../../machines/explain_possible.ts";
import type { ActorDetail, ActorRow, IncidentRecord, Json, Problem, TransitionRecord } from "../../ports/inspection.ts";
import { type ActorReport, type Incident, partsOf, type Transition } from "../system.ts";
import { factsOf, sayingOf } from "./context_facts.ts";
import { redact } from "./redaction.ts";

/** What was counted about an actor since somebody watches. */
export interface ActorTally {
  transitions: number;
  unhandled: number;
  /** Wall times of the last ones. */
  lastUnhandled: number;
  lastDead: number;
  lastStart: number;
  last: number;
}

export function newTally(): ActorTally {
  return { transitions: 0, unhandled: 0, lastUnhandled: 0, lastDead: 0, lastStart: 0, last: 0 };
}

/** After which time an actor counts as stuck. */
export const unsettledMs = 30_000;
/** How long single mishaps are shown as a problem. */
const recentMs = 60_000;
const restartMs = 600_000;

export function rowOf(report: ActorReport, tally: ActorTally, wallTime: number): ActorRow {
  const { address, snapshot, supervisor } = report;
  const { node, kind, namespace, name, uid } = partsOf(address);
  const says = snapshot === undefined ? undefined : sayingOf(snapshot.context);
  const facts = snapshot === undefined ? undefined : factsOf(report.machine.id, snapshot);
  return {
    id: address,
    node,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    machine: machineKey(chartOf(report.machine)),
    ...(supervisor === undefined ? {} : { supervisor }),
    states: snapshot === undefined ? [] : statesOf(snapshot),
    status: snapshot === undefined ? "down" : statusOf(snapshot),
    since: Math.round(wallTime - report.stateForMs),
    incarnation: report.incarnation,
    tags: snapshot === undefined ? [] : [...snapshot.tags],
    problems: problemsOf(report, tally, wallTime),
    ...(says === undefined ? {} : { says }),
    ...(facts === undefined ? {} : { facts }),
    last: Math.max(tally.last, report.recent.at(-1)?.sequence ?? 0),
    transitions: tally.transitions,
    unhandled: tally.unhandled,
  };
}

export function statesOf(snapshot: AnyMachineSnapshot): string[] {
  return activeLeaves(snapshot).map(({ path }) => path.join("."));
}

function statusOf({ status }: AnyMachineSnapshot): "active" | "done" | "error" {
  return status === "done" || status === "error" ? status : "active";
}

export function problemsOf(report: ActorReport, tally: ActorTally, wallTime: number): Problem[] {
  const { snapshot, orders, incarnation } = report;
  const problems: Problem[] = [];
  if (snapshot === undefined) problems.push("down");
  if (incarnation > 1 && wallTime - tally.lastStart < restartMs) problems.push("restarting");
  if (snapshot !== undefined && (snapshot.hasTag("problem") || isFailing(snapshot))) problems.push("failing");
  const stuck = orders.some(({ forMs }) => forMs >= unsettledMs) ||
    (snapshot?.hasTag("unsettled") === true && report.stateForMs >= unsettledMs);
  if (stuck) problems.push("unsettled");
  if (tally.lastUnhandled > 0 && wallTime - tally.lastUnhandled < recentMs) problems.push("unhandled");
  if (tally.lastDead > 0 && wallTime - tally.lastDead < recentMs) problems.push("deadLetters");
  return problems;
}

/** States of this project that wait after something went wrong are called so. */
const failingState = /(^|\.)(\w*[bB]ackOff|failed|retrying|unschedulable|crashBackOff|doubting|refused|broken)$/;

function isFailing(snapshot: AnyMachineSnapshot): boolean {
  return activeLeaves(snapshot).some(({ path }) => failingState.test(path.join(".")));
}

export function recordOf(transition: Transition, machine: AnyStateMachine, process: string): TransitionRecord {
  const { snapshot, previous, wallTime, cause } = transition;
  return {
    type: "transition",
    id: transition.actor,
    sequence: transition.sequence,
    process,
    at: Math.round(transition.at * 1000) / 1000,
    wallTime,
    incarnation: transition.incarnation,
    event: redact(transition.event) as TransitionRecord["event"],
    cause: cause.by === "timer" ? { ...cause, delay: delayName(cause.id) } : cause,
    trace: `${process}:${transition.trace}`,
    edges: transition.edges.map((edge) => edgeId(machine, edge)),
    guards: transition.guards,
    orders: transition.orders.map(({ type, params }) => ({ type, params: redact(params) })),
    timers: transition.timers.map(({ id, delayMs }) => ({
      id,
      delay: delayName(id),
      ...(delayMs === undefined ? {} : { due: Math.round(wallTime + delayMs) }),
    })),
    states: statesOf(snapshot),
    status: statusOf(snapshot),
    delta: deltaOf(previous?.context, snapshot.context),
  };
}

/** Top-level fields that are other than before; contexts are never changed in place. */
function deltaOf(before: unknown, after: unknown): TransitionRecord["delta"] {
  if (before === after) return { set: {}, unset: [] };
  const was = (before ?? {}) as Readonly<Record<string, unknown>>;
  const is = (after ?? {}) as Readonly<Record<string, unknown>>;
  const changed = Object.keys(is).filter((field) => is[field] !== was[field]);
  return {
    set: redact(Object.fromEntries(changed.map((field) => [field, is[field]]))) as Record<string, Json>,
    unset: Object.keys(was).filter((field) => !(field in is)),
  };
}

export function incidentOf(incident: Incident, process: string): IncidentRecord {
  const { type, actor, sequence, wallTime, incarnation } = incident;
  const detail = redact(incident.detail) as string;
  return { type, id: actor, sequence, process, wallTime, incarnation, detail };
}

export function detailOf(
  report: ActorReport,
  row: ActorRow,
  children: readonly string[],
  wallTime: number,
  process: string,
): ActorDetail {
  const { snapshot, fault, timers, orders } = report;
  const tellable = tellableReport(report);
  return {
    row,
    context: redact(snapshot?.context ?? null),
    ...(fault === undefined ? {} : { fault: redact(fault) as string }),
    timers: timers.map(({ id, inMs }) => ({ id, delay: delayName(id), due: Math.round(wallTime + inMs) })),
    orders: orders.map(({ id, type, forMs }) => ({ id, type, since: Math.round(wallTime - forMs) })),
    recent: report.recent.map((transition) => recordOf(transition, report.machine, process)),
    explanation: explain(tellable),
    possible: snapshot === undefined ? [] : possibleEvents(tellable),
    children,
  };
}

/** The snapshot with the texts of its context as they may be told; a copy where that is another text. */
function tellableSnapshot(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const context = snapshot.context as Readonly<Record<string, unknown>> | undefined;
  const told = Object.entries(context ?? {}).flatMap(([field, value]) => {
    const text = typeof value === "string" ? redact(value) : value;
    return text === value ? [] : [[field, text] as const];
  });
  if (told.length === 0) return snapshot;
  return Object.assign(Object.create(snapshot), { context: { ...context, ...Object.fromEntries(told) } });
}

/** The report without secrets in its events and words: what may be put into words. */
export function tellableReport(report: ActorReport): ActorReport {
  return {
    ...report,
    fault: report.fault === undefined ? undefined : redact(report.fault) as string,
    snapshot: report.snapshot === undefined ? undefined : tellableSnapshot(report.snapshot),
    recent: report.recent.map((transition) => ({
      ...transition,
      event: redact(transition.event) as unknown as Transition["event"],
    })),
  };
}
