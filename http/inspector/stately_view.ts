/**
 * The actors in the words of `@statelyai/inspect` 0.7: three kinds of messages, one JSON text each, no handshake. The
 * full list comes first, so that a late joiner misses nobody.
 */
import { configOf, valueOf } from "../../machines/chart/xstate_config.ts";
import type {
  ActorFilter,
  ActorRow,
  ChartDefinition,
  InspectionClient,
  InspectionConnection,
  InspectionHub,
  Json,
  RowChange,
  ServerMessage,
  TransitionRecord,
} from "../../ports/inspection.ts";

const protocolVersion = "0.7.2";

type Message = Readonly<Record<string, Json | undefined>>;

export class StatelyView implements InspectionConnection {
  readonly #connection: InspectionConnection;
  readonly #machines = new Map<string, ChartDefinition>();
  readonly #rows = new Map<string, ActorRow>();
  readonly #send: (text: string) => void;
  #root = "";
  #early: string[] | undefined = [];

  constructor(
    hub: InspectionHub,
    filter: ActorFilter,
    send: (text: string) => void,
    unsent: () => number,
    maySee: InspectionClient["maySee"],
  ) {
    this.#send = send;
    const client = {
      send: (text: string) => this.#hear(JSON.parse(text)),
      get unsentBytes() {
        return unsent();
      },
      maySee,
      maySend: false,
    };
    this.#connection = hub.connect(client);
    this.#connection.receive(JSON.stringify({ type: "watch", filter, counts: false, incidents: false }));
    this.#connection.receive(JSON.stringify({ type: "follow", filter }));
    for (const text of this.#early ?? []) send(text);
    this.#early = undefined;
  }

  /** The protocol goes one way. */
  receive(): void {}

  close(): void {
    this.#connection.close();
  }

  #hear(message: ServerMessage): void {
    switch (message.type) {
      case "hello":
        this.#root = message.session;
        break;
      case "machines":
        for (const [key, chart] of Object.entries(message.machines)) this.#machines.set(key, chart);
        break;
      case "actors":
        for (const row of message.rows) this.#actor(row);
        break;
      case "changes":
        for (const row of message.added) this.#actor(row);
        for (const change of message.changed) this.#changed(change);
        for (const id of message.removed) this.#gone(id);
        break;
      case "records":
        for (const record of message.records) this.#record(record);
    }
  }

  #actor(row: ActorRow): void {
    this.#rows.set(row.id, row);
    const chart = this.#machines.get(row.machine);
    this.#say({
      type: "@xstate.actor",
      name: row.id,
      sessionId: row.id,
      ...(row.supervisor === undefined ? {} : { parentId: row.supervisor }),
      definition: JSON.stringify(chart === undefined ? { id: row.machine } : configOf(chart)),
      snapshot: snapshotOf(row, chart),
    });
  }

  #changed({ id, ...change }: RowChange): void {
    const before = this.#rows.get(id);
    if (before === undefined) return;
    const fields = Object.entries(change).map(([field, value]) => [field, value ?? undefined]);
    const row = { ...before, ...Object.fromEntries(fields) } as ActorRow;
    this.#rows.set(id, row);
  }

  #gone(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.delete(id);
    const snapshot = { ...snapshotOf(row, this.#machines.get(row.machine)) as Message, status: "stopped" } as Json;
    this.#say({ type: "@xstate.snapshot", event: { type: "xstate.stop" }, snapshot, sessionId: id });
  }

  #record(record: TransitionRecord): void {
    const row = this.#rows.get(record.id);
    const { cause, event, id, wallTime } = record;
    const sourceId = cause.by === "message" ? cause.from : undefined;
    this.#say(
      { type: "@xstate.event", event, ...(sourceId === undefined ? {} : { sourceId }), sessionId: id },
      wallTime,
    );
    const chart = row === undefined ? undefined : this.#machines.get(row.machine);
    const now = { states: record.states, status: record.status, tags: row?.tags ?? [], context: record.delta.set };
    this.#say({ type: "@xstate.snapshot", event, snapshot: snapshotOf(now, chart), sessionId: id }, wallTime);
  }

  #say(message: Message, wallTime?: number): void {
    const createdAt = String(wallTime ?? this.#rows.get(String(message["sessionId"]))?.since ?? 0);
    const text = JSON.stringify({ ...message, rootId: this.#root, id: null, createdAt, _version: protocolVersion });
    if (this.#early === undefined) this.#send(text);
    else this.#early.push(text);
  }
}

interface Standing {
  readonly states: readonly string[];
  readonly status: string;
  readonly tags: readonly string[];
  readonly says?: string;
  readonly facts?: Readonly<Record<string, Json>>;
  readonly context?: Readonly<Record<string, Json>>;
}

function snapshotOf({ states, status, tags, says, facts, context }: Standing, chart?: ChartDefinition): Json {
  return {
    status: status === "down" ? "error" : status,
    context: { ...facts, ...context, ...(says === undefined ? {} : { says }) },
    value: valueOf(states, chart?.root),
    children: {},
    historyValue: {},
    tags,
  };
}
