/**
 * What the page knows: a fold over the stream's messages. Everything is kept within bounds; what is left out is
 * counted. The same fold reads a live cluster, a recording and a foreign app.
 */
import type {
  ActorDetail,
  ActorId,
  ActorRow,
  ChartDefinition,
  IncidentRecord,
  RowChange,
  ServerMessage,
  StreamCounters,
  TransitionRecord,
} from "../../../../ports/inspection.ts";

export type Hello = Extract<ServerMessage, { type: "hello" }>;
export type Counts = Extract<ServerMessage, { type: "counts" }>;
export type Process = Extract<ServerMessage, { type: "processes" }>["processes"][number];

/** So many records are kept of one actor, and incidents of all. */
export const mostRecords = 2000;
const mostIncidents = 500;

export class Feed {
  hello: Hello | undefined;
  readonly machines = new Map<string, ChartDefinition>();
  /** The rows that were asked for, in the server's order. */
  rows = new Map<ActorId, ActorRow>();
  /** The rows of the window, where one was asked for. */
  order: readonly ActorId[] | undefined;
  matched = 0;
  total = 0;
  sequence = 0;
  counts: Counts | undefined;
  counters: StreamCounters | undefined;
  processes: readonly Process[] = [];
  incidents: IncidentRecord[] = [];
  /** `null`: not there, or not to be seen. */
  readonly details = new Map<ActorId, ActorDetail | null>();
  readonly records = new Map<ActorId, TransitionRecord[]>();
  /** Records that were left out for want of time or room. */
  dropped = 0;
  /** Server's clock minus ours, in ms. */
  clockAhead = 0;
  lastError: string | undefined;

  apply(message: ServerMessage, now: number): void {
    switch (message.type) {
      case "hello":
        this.hello = message;
        this.clockAhead = message.wallTime - now;
        return;
      case "machines":
        for (const [key, chart] of Object.entries(message.machines)) this.machines.set(key, chart);
        return;
      case "actors":
        if (message.first) this.rows = new Map();
        for (const row of message.rows) this.rows.set(row.id, row);
        this.order = undefined;
        this.#counted(message);
        return;
      case "changes":
        for (const id of message.removed) this.rows.delete(id);
        for (const row of message.added) this.rows.set(row.id, row);
        for (const change of message.changed) this.#change(change);
        if (message.order !== undefined) this.#reorder(message.order);
        this.#counted(message);
        return;
      case "counts":
        this.counts = message;
        return;
      case "detail":
        this.details.set(message.id, message.detail);
        if (message.detail !== null) this.addRecords(message.detail.recent);
        return;
      case "records":
        this.dropped += message.dropped;
        this.addRecords(message.records);
        return;
      case "incidents":
        this.incidents = [...this.incidents, ...message.incidents].slice(-mostIncidents);
        return;
      case "counters":
        this.counters = message.counters;
        return;
      case "processes":
        this.processes = message.processes;
        return;
      case "error":
        this.lastError = message.message;
    }
  }

  /** Records by their actor, oldest first, each once. */
  addRecords(records: readonly TransitionRecord[]): void {
    for (const [id, news] of Map.groupBy(records, (record) => record.id)) {
      this.records.set(id, merged(this.records.get(id) ?? [], news));
    }
  }

  #counted({ matched, total, sequence }: { matched: number; total: number; sequence: number }): void {
    this.matched = matched;
    this.total = total;
    this.sequence = sequence;
  }

  #change(change: RowChange): void {
    const row = this.rows.get(change.id);
    if (row !== undefined) this.rows.set(change.id, changedRow(row, change));
  }

  #reorder(order: readonly ActorId[]): void {
    const rows = new Map<ActorId, ActorRow>();
    for (const id of order) {
      const row = this.rows.get(id);
      if (row !== undefined) rows.set(id, row);
    }
    this.rows = rows;
    this.order = order;
  }
}

export function changedRow(row: ActorRow, change: RowChange): ActorRow {
  const next: Record<string, unknown> = { ...row };
  for (const [field, value] of Object.entries(change)) {
    if (value === null) delete next[field];
    else next[field] = value;
  }
  return next as unknown as ActorRow;
}

function merged(known: readonly TransitionRecord[], news: readonly TransitionRecord[]): TransitionRecord[] {
  const last = known.at(-1);
  const inOrder = news.every((record, index) => record.wallTime >= (news[index - 1] ?? last)?.wallTime! || index === 0);
  const key = ({ process, sequence }: TransitionRecord) => `${process}:${sequence}`;
  if (last === undefined && inOrder) return news.slice(-mostRecords);
  const all = new Map(known.map((record) => [key(record), record]));
  for (const record of news) all.set(key(record), record);
  return [...all.values()].sort((a, b) => a.wallTime - b.wallTime || a.sequence - b.sequence).slice(-mostRecords);
}
