/**
 * The actors in the words of `@statelyai/inspect` 0.7: three kinds of messages, one JSON text each, no handshake. The
 * full list comes first, so that a late joiner misses nobody.
 */
import type {
  ActorFilter,
  ActorRow,
  ChartDefinition,
  ChartState,
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

/** XState's state value of paths: `["a.b", "c"]` is `{ a: "b", c: {} }`. */
export function valueOf(states: readonly string[], root?: ChartState): Json {
  const tree: Record<string, unknown> = {};
  for (const path of states) {
    let at = tree;
    for (const name of path === "" ? [] : path.split(".")) at = (at[name] ??= {}) as Record<string, unknown>;
  }
  const folded = (node: Record<string, unknown>, state: ChartState | undefined): Json => {
    const names = Object.keys(node);
    const [only] = names;
    const isLeaf = (name: string) => Object.keys(node[name] as object).length === 0;
    // The only child of a compound state is its name; regions of a parallel state are fields.
    if (names.length === 1 && isLeaf(only!) && state?.type !== "parallel") return only!;
    const childOf = (name: string) => state?.states.find((child) => child.name === name);
    return Object.fromEntries(
      names.map((name) => [name, folded(node[name] as Record<string, unknown>, childOf(name))]),
    );
  };
  return folded(tree, root);
}

/** The chart as XState's `createMachine` takes it. */
export function configOf({ id, root }: ChartDefinition): Json {
  return { id, ...stateConfig(root, id) as Record<string, Json> };
}

function stateConfig(state: ChartState, id: string): Json {
  const on: Record<string, Json[]> = {};
  const after: Record<string, Json[]> = {};
  const always: Json[] = [];
  const onDone: Json[] = [];
  for (const transition of state.transitions) {
    const config: Json = {
      ...(transition.targets.length === 0 ? {} : { target: transition.targets.map((path) => `#${id}.${path}`) }),
      ...(transition.guard === undefined ? {} : { guard: transition.guard }),
      ...(transition.actions.length === 0 ? {} : { actions: transition.actions }),
      ...(transition.reenter ? { reenter: true } : {}),
      ...(transition.description === undefined ? {} : { description: transition.description }),
    };
    if (transition.kind === "always") always.push(config);
    else if (transition.kind === "done") onDone.push(config);
    else if (transition.kind === "after") (after[transition.delay ?? transition.on] ??= []).push(config);
    else (on[transition.on] ??= []).push(config);
  }
  const some = (name: string, value: Readonly<Record<string, Json>>) =>
    Object.keys(value).length === 0 ? {} : { [name]: value };
  return {
    ...(state.type === "atomic" || state.type === "compound" ? {} : { type: state.type }),
    ...(state.history === undefined ? {} : { history: state.history }),
    ...(state.description === undefined ? {} : { description: state.description }),
    ...(state.tags === undefined ? {} : { tags: state.tags }),
    ...(state.initial === undefined ? {} : { initial: state.initial.split(".").at(-1)! }),
    ...(state.entry === undefined ? {} : { entry: state.entry }),
    ...(state.exit === undefined ? {} : { exit: state.exit }),
    ...some("on", on),
    ...some("after", after),
    ...(always.length === 0 ? {} : { always }),
    ...(onDone.length === 0 ? {} : { onDone }),
    ...some("states", Object.fromEntries(state.states.map((child) => [child.name, stateConfig(child, id)]))),
  };
}
