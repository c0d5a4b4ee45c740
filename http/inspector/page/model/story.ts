/** Records as sentences: what came, from whom, where it led, what refused, what was ordered. */
import type { RecordedCause, TransitionRecord } from "../../../../ports/inspection.ts";
import { actorName, duration, eventParams } from "./words.ts";

/** The event as people call it. */
export function eventWords({ event, cause }: TransitionRecord): string {
  if (event.type === "xstate.init") return "start";
  if (cause.by === "timer") return `after ${cause.delay}`;
  if (event.type.startsWith("xstate.after.")) return event.type.replace(/^xstate\.after\.(.*?)\..*$/, "after $1");
  if (event.type.startsWith("xstate.done.")) return "done";
  return event.type;
}

export function causeWords(cause: RecordedCause): string {
  switch (cause.by) {
    case "order":
      return `the answer to ${cause.type}`;
    case "message":
      return `from ${actorName(cause.from)}`;
    case "timer":
      return `the time of "${cause.delay}" was up`;
    case "world":
      return "reported from outside";
    case "start":
      return "it was started";
  }
}

/** Guards that said no, each once. */
export function refusedGuards({ guards }: TransitionRecord): string[] {
  return [...new Set(guards.filter(({ passed }) => !passed).map(({ guard }) => guard))];
}

/** Where it led, from where. */
export function movedWords(record: TransitionRecord, before: readonly string[] | undefined): string {
  const same = before !== undefined && before.join() === record.states.join();
  if (record.edges.length === 0 && record.cause.by !== "start" && same) return "is not handled here: nothing changed";
  const left = before?.filter((path) => !record.states.includes(path)) ?? [];
  const entered = before === undefined ? record.states : record.states.filter((path) => !before.includes(path));
  if (entered.length === 0) return record.cause.by === "start" ? "began" : "changed no state";
  const to = entered.map((path) => path || "(only state)").join(" + ");
  return left.length === 0 ? `led to ${to}` : `led from ${left.join(" + ")} to ${to}`;
}

/** One line for the past: `sandbox.failed, the answer to createSandbox, led to backOff ("isOver" refused)`. */
export function happenedInWords(record: TransitionRecord, before?: readonly string[]): string {
  const refused = refusedGuards(record);
  const guards = refused.length === 0 ? "" : ` (${refused.map((guard) => `"${guard}"`).join(", ")} refused)`;
  return `${eventWords(record)}, ${causeWords(record.cause)}, ${movedWords(record, before)}${guards}`;
}

export interface Sentence {
  readonly record: TransitionRecord;
  /** How long after the one before. */
  readonly after: string;
  readonly text: string;
}

/** The story of one actor. */
export function storyOf(records: readonly TransitionRecord[]): Sentence[] {
  return records.map((record, index) => {
    const before = records[index - 1];
    const params = eventParams(record.event);
    const ordered = record.orders.map(({ type }) => type);
    const armed = record.timers.filter(({ due }) => due !== undefined).map(({ delay, due }) =>
      `"${delay}" in ${duration(due! - record.wallTime)}`
    );
    const text = [
      `${happenedInWords(record, before?.states)}.`,
      ...(params === "" ? [] : [`It said ${params}.`]),
      ...(ordered.length === 0 ? [] : [`It ordered ${listed(ordered)}.`]),
      ...(armed.length === 0 ? [] : [`It armed ${listed(armed)}.`]),
    ].join(" ");
    return { record, text, after: before === undefined ? "" : `+${duration(record.wallTime - before.wallTime)}` };
  });
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
