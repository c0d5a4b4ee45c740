/**
 * A recording as a file: lines of the stream's own messages. It answers what a server would, so that the page shows a
 * file and a cluster alike.
 */
import type {
  ActorDetail,
  ActorFilter,
  ActorRow,
  ClientMessage,
  IncidentRecord,
  ServerMessage,
  TransitionRecord,
} from "../../../../ports/inspection.ts";
import { matches } from "./actor_filter.ts";
import { changedRow, Feed } from "./feed.ts";
import { standingAt } from "./playback.ts";
import type { Listener, Source } from "./source.ts";

export class Recording implements Source {
  readonly kind = "file";
  readonly from: number;
  readonly to: number;
  readonly #messages: readonly ServerMessage[];
  readonly #feed = new Feed();
  readonly #records: TransitionRecord[] = [];
  readonly #incidents: IncidentRecord[] = [];
  readonly #listener: Listener;

  /** @throws Error when the text is no recording. */
  constructor(text: string, listener: Listener) {
    this.#messages = messagesOf(text);
    this.#listener = listener;
    let first = this.#messages.find(({ type }) => type === "hello") as { wallTime: number } | undefined;
    let last = 0;
    for (const message of this.#messages) {
      this.#feed.apply(message, 0);
      if (message.type === "records") this.#records.push(...message.records);
      if (message.type === "incidents") this.#incidents.push(...message.incidents);
      for (const time of timesOf(message)) {
        first ??= { wallTime: time };
        last = Math.max(last, time);
      }
    }
    this.#records.sort((a, b) => a.wallTime - b.wallTime || a.sequence - b.sequence);
    this.from = Math.min(first?.wallTime ?? 0, this.#records[0]?.wallTime ?? Infinity);
    this.to = Math.max(last, this.from);
    this.#say({ ...this.#feed.hello!, source: this.#feed.hello!.source, maySend: false, historyFrom: this.from });
    this.#listener.status("open", "recording");
  }

  send(message: ClientMessage): void {
    switch (message.type) {
      case "watch":
        return this.#list(message.filter);
      case "subscribe":
        return this.#say({ type: "detail", id: message.id, detail: this.#detail(message.id) });
      case "history":
        return this.#answer(message.request, (record) => this.#wanted(record, message.id, message.filter));
      case "trace":
        return this.#answer(message.request, ({ trace }) => trace === message.trace);
      case "object":
        return this.#answer(message.request, ({ id }) => isOf(id, message.namespace, message.name));
      case "seek": {
        const rows = this.rowsAt(message.wallTime).filter((row) => matches(row, message.filter));
        return this.#say({ type: "seen", request: message.request, wallTime: message.wallTime, rows });
      }
      case "send":
        return this.#say({
          type: "error",
          request: message.request,
          code: "forbidden",
          message: "Cannot send an event: this is a recording",
        });
    }
  }

  close(): void {}

  /** The rows as they were then. Between `changes`, what a record says of states counts. */
  rowsAt(wallTime: number): ActorRow[] {
    const rows = new Map<string, ActorRow>();
    for (const message of this.#messages) {
      if (message.type === "actors" && (message.wallTime <= wallTime || rows.size === 0)) {
        for (const row of message.rows) rows.set(row.id, row);
      } else if (message.type === "changes" && message.wallTime <= wallTime) {
        for (const id of message.removed) rows.delete(id);
        for (const row of message.added) rows.set(row.id, row);
        for (const change of message.changed) {
          const row = rows.get(change.id);
          if (row !== undefined) rows.set(change.id, changedRow(row, change));
        }
      } else if (message.type === "records") {
        for (const record of message.records) {
          const row = rows.get(record.id);
          if (row !== undefined && record.wallTime <= wallTime) rows.set(record.id, stepped(row, record));
        }
      }
    }
    return [...rows.values()];
  }

  #list(filter: ActorFilter | undefined): void {
    const rows = this.rowsAt(this.to).filter((row) => matches(row, filter));
    const total = this.#feed.rows.size;
    this.#say({ type: "machines", machines: Object.fromEntries(this.#feed.machines) });
    this.#say({
      ...{ type: "actors", sequence: this.#feed.sequence, wallTime: this.to, rows, offset: 0 } as const,
      ...{ matched: rows.length, total, first: true, last: true },
    });
    this.#say({ type: "incidents", incidents: this.#incidents, dropped: 0 });
  }

  #detail(id: string): ActorDetail | null {
    const row = this.rowsAt(this.to).find((each) => each.id === id) ?? this.#lastSeen(id);
    if (row === undefined) return null;
    const recent = this.#records.filter((record) => record.id === id);
    const standing = standingAt(this.#feed.machines.get(row.machine), recent, recent.length - 1);
    return {
      row,
      context: standing?.context ?? {},
      timers: standing?.timers ?? [],
      orders: standing?.orders ?? [],
      recent,
      explanation: standing?.explanation ?? { says: [], where: [], why: [], since: "", waitsFor: [], movesOn: [] },
      possible: [],
      children: this.rowsAt(this.to).filter(({ supervisor }) => supervisor === id).map((each) => each.id),
    };
  }

  /** Of who has ended within it: as it was last. */
  #lastSeen(id: string): ActorRow | undefined {
    const last = this.#records.findLast((record) => record.id === id);
    return last === undefined ? undefined : this.rowsAt(last.wallTime).find((each) => each.id === id);
  }

  #wanted(record: TransitionRecord, id: string | undefined, filter: ActorFilter | undefined): boolean {
    if (id !== undefined) return record.id === id;
    const row = this.#feed.rows.get(record.id);
    return filter === undefined || (row !== undefined && matches(row, filter));
  }

  #answer(request: number, wanted: (record: TransitionRecord) => boolean): void {
    const records = this.#records.filter(wanted);
    this.#say({ type: "answer", request, records, incidents: this.#incidents, ringsOnly: false });
  }

  #say(message: ServerMessage): void {
    this.#listener.message(message);
  }
}

function stepped(row: ActorRow, { states, status, wallTime, sequence }: TransitionRecord): ActorRow {
  if (sequence <= row.last && row.states.join() === states.join()) return row;
  const since = row.states.join() === states.join() ? row.since : wallTime;
  return { ...row, states, status, since, last: Math.max(sequence, row.last) };
}

function isOf(id: string, namespace: string | undefined, name: string): boolean {
  const [, , ns = "-", own = "-"] = id.split("/");
  return (namespace === undefined || ns === namespace) && (own === name || own.startsWith(`${name}:`));
}

function timesOf(message: ServerMessage): number[] {
  if (message.type === "records") return message.records.map(({ wallTime }) => wallTime);
  return "wallTime" in message ? [message.wallTime] : [];
}

function messagesOf(text: string): ServerMessage[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const messages = lines.map((line, index) => {
    try {
      const message = JSON.parse(line) as ServerMessage;
      if (typeof message?.type === "string") return message;
    } catch {
      // Said below, with the line.
    }
    throw new Error(`Cannot open recording: line ${index + 1} is no message: ${line.slice(0, 60)}`);
  });
  if (messages[0]?.type !== "hello") {
    throw new Error(`Cannot open recording: it does not begin with "hello", but with "${messages[0]?.type ?? ""}"`);
  }
  return messages;
}
