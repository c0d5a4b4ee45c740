/**
 * The trace of a simulation (`chartroom simulate --trace FILE`) as a recording: lines of
 * `MS PROCESS #SEQUENCE ACTOR.INCARNATION EVENT by CAUSE -> STATES [ORDERS] {TIMERS}`. Lines of other kinds (faults,
 * calls) are no actor's and passed over. Charts are not in it; states and their order are.
 */
import type { ActorRow, RecordedCause, ServerMessage, TransitionRecord } from "../../../../ports/inspection.ts";

const step = /^(\d+(?:\.\d+)?) (\S+) #(\d+) (\S+)\.(\d+) (\S+) by (\w+) -> (.+) \[([^\]]*)\] \{([^}]*)\}$/;

export function isTrace(text: string): boolean {
  return text.slice(0, 20_000).split("\n").some((line) => step.test(line));
}

/** The trace in the words of a recording. */
export function recordingOfTrace(text: string): string {
  let from: number | undefined;
  /** Actors come when they are first heard of. */
  const known = new Set<string>();
  const told: ServerMessage[] = [];
  for (const line of text.split("\n")) {
    const found = step.exec(line);
    if (found === null) continue;
    const [, at, process, sequence, id, incarnation, event, cause, value, orders, timers] =
      found as unknown as string[];
    const wallTime = Number(at);
    const states = leavesOf(JSON.parse(value!));
    from ??= wallTime;
    if (!known.has(id!)) {
      known.add(id!);
      const added = [rowOf(id!, states, wallTime, Number(incarnation))];
      const counted = { matched: known.size, total: known.size };
      told.push({ type: "changes", sequence: 0, wallTime, ...counted, added, changed: [], removed: [] });
    }
    const record: TransitionRecord = {
      ...{ type: "transition", id: id!, sequence: Number(sequence), process: process!, at: wallTime, wallTime },
      ...{
        incarnation: Number(incarnation),
        event: { type: event! },
        cause: causeOf(cause!),
        trace: `${process}:${sequence}`,
      },
      // Which arrows were taken is not in the trace; that something was is seen from the states.
      ...{ edges: [], guards: [], states, status: "active", delta: { set: {}, unset: [] } },
      orders: listOf(orders!).map((type) => ({ type, params: {} })),
      timers: listOf(timers!).map((timer) => timerOf(timer, wallTime)),
    };
    told.push({ type: "records", records: [record], dropped: 0 });
  }
  from ??= 0;
  const messages: ServerMessage[] = [
    {
      type: "hello",
      version: 1,
      cluster: "simulation",
      session: "trace",
      sequence: 0,
      wallTime: from,
      source: "checker",
      maySend: false,
    },
    {
      ...{ type: "actors", sequence: 0, wallTime: from, rows: [], offset: 0, matched: 0, total: 0 },
      ...{ first: true, last: true },
    },
    ...told,
  ];
  return messages.map((message) => JSON.stringify(message)).join("\n");
}

/** XState's value as paths of the innermost states. */
function leavesOf(value: unknown, around = ""): string[] {
  const join = (name: string) => around === "" ? name : `${around}.${name}`;
  if (typeof value === "string") return [join(value)];
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) =>
    typeof inner === "object" && inner !== null && Object.keys(inner).length === 0
      ? [join(name)]
      : leavesOf(inner, join(name))
  );
}

/** What exactly caused it is not in the trace, only of what kind it was. */
function causeOf(by: string): RecordedCause {
  if (by === "order") return { by, order: 0, type: "an order" };
  if (by === "timer") return { by, id: "", delay: "a delay" };
  return by === "start" ? { by } : { by: "world" };
}

function listOf(text: string): string[] {
  return text === "" ? [] : text.split(",");
}

function timerOf(text: string, wallTime: number): TransitionRecord["timers"][number] {
  const at = text.lastIndexOf("=");
  const id = text.slice(0, at);
  const delay = id.replace(/^xstate\.after\.(.*?)\..*$/, "$1");
  const inMs = Number(text.slice(at + 1));
  return Number.isNaN(inMs) ? { id, delay } : { id, delay, due: wallTime + inMs };
}

function rowOf(id: string, states: readonly string[], since: number, incarnation: number): ActorRow {
  const [node = "", kind = "", namespace = "-", name = "-"] = id.split("/");
  return {
    ...{ id, node, kind, machine: kind, states, status: "active", since, incarnation, tags: [], problems: [] },
    ...{ last: 0, transitions: 0, unhandled: 0 },
    ...(namespace === "-" ? {} : { namespace }),
    ...(name === "-" ? {} : { name }),
  };
}
