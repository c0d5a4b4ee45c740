/** Records of several actors as swim lanes: who told whom what, in the order of time. */
import type { ActorId, ObjectLane, StepRecord, TransitionRecord } from "../../../../ports/inspection.ts";
import { eventWords } from "./story.ts";

export interface Lane {
  readonly id: ActorId;
  readonly column: number;
}

export interface LaneStep {
  readonly record: TransitionRecord;
  /** Column of the actor that it happened to. */
  readonly to: number;
  /** Column of the sender, where it was a message of one of these actors. */
  readonly from: number | undefined;
  readonly label: string;
  /** States that were entered; empty: none. */
  readonly entered: readonly string[];
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly steps: readonly LaneStep[];
}

/** Lanes stand in the order in which their actors first had a part. */
export function lanesOf(records: readonly TransitionRecord[]): Lanes {
  const inOrder = records.toSorted((a, b) => a.wallTime - b.wallTime || a.sequence - b.sequence);
  const columns = new Map<ActorId, number>();
  const columnOf = (id: ActorId) => {
    const column = columns.get(id) ?? columns.size;
    columns.set(id, column);
    return column;
  };
  const states = new Map<ActorId, readonly string[]>();
  const steps = inOrder.map((record): LaneStep => {
    const from = record.cause.by === "message" ? columnOf(record.cause.from) : undefined;
    const before = states.get(record.id);
    states.set(record.id, record.states);
    return {
      record,
      from,
      to: columnOf(record.id),
      label: eventWords(record),
      entered: record.states.filter((path) => !before?.includes(path)),
    };
  });
  return { lanes: [...columns].map(([id, column]) => ({ id, column })), steps };
}

/** What a record caused elsewhere: records of the same chain, told by this actor after it, until its next record. */
export function causedBy(record: TransitionRecord, all: readonly TransitionRecord[]): TransitionRecord[] {
  const next = all.filter(({ id, sequence }) => id === record.id && sequence > record.sequence)
    .reduce((least, { sequence }) => Math.min(least, sequence), Number.POSITIVE_INFINITY);
  return all.filter(({ cause, trace, sequence, process }) =>
    cause.by === "message" && cause.from === record.id && trace === record.trace && process === record.process &&
    sequence > record.sequence && sequence < next
  );
}

/** From the request to where the object is: the order in which an object's way goes through them. */
const objectLanes: readonly ObjectLane[] = [
  "client",
  "controllers",
  "API server",
  "log (raft)",
  "scheduler",
  "kubelet",
  "Docker",
];

/** Steps beside the charts as lanes of those who took part, in the order of time. */
export function objectLanesOf(records: readonly StepRecord[]) {
  const lanes = objectLanes.filter((lane) => records.some(({ from, to }) => from === lane || to === lane));
  const steps = records.toSorted((a, b) => a.wallTime - b.wallTime || a.sequence - b.sequence).map((record) => ({
    record,
    from: lanes.indexOf(record.from),
    to: lanes.indexOf(record.to),
  }));
  return { lanes, steps };
}
