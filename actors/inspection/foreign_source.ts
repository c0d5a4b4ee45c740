/**
 * XState apps that use `@statelyai/inspect` 0.7 as a source: three kinds of messages, from which rows and records are
 * made. The protocol does not tell which transitions were taken: those that lead from the states before to the states
 * after by that event are taken for it.
 */
import { type AnyStateMachine, createMachine } from "xstate";
import { chartOf, machineKey } from "../../machines/chart/describe_chart.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  ActorId,
  ActorRow,
  ChartDefinition,
  Json,
  RecordedCause,
  TransitionRecord,
} from "../../ports/inspection.ts";
import type { InspectionSource, SourceSink, Wanted } from "./inspection_source.ts";
import { activeStates, recordedDetail } from "./recorded_actor.ts";
import { redact } from "./redaction.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Foreign {
  row: ActorRow;
  readonly chart: ChartDefinition;
  context: Json;
  recent: TransitionRecord[];
  cause: RecordedCause;
}

const recentAtMost = 50;
const actorsAtMost = 20_000;
const longestMessage = 4 << 20;

export class ForeignSource implements InspectionSource {
  readonly name: string;
  readonly #clock: Clock;
  readonly #actors = new Map<ActorId, Foreign>();
  readonly #charts = new Map<string, ChartDefinition>();
  #sink: SourceSink | undefined;
  #wanted: Wanted = { allRecords: false, ids: new Set() };
  #sequence = 0;
  readonly #counters = { transitions: 0, unhandled: 0, deadMessages: 0, lateAnswers: 0, faults: 0 };

  /** `name`: the app's, as its connection is called here. */
  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
  }

  open(sink: SourceSink): void {
    this.#sink = sink;
    sink.heard(undefined);
    sink.machines(Object.fromEntries(this.#charts));
    sink.rows([...this.#actors.values()].map(({ row }) => row), []);
  }

  close(): void {
    this.#sink = undefined;
  }

  want(wanted: Wanted): void {
    this.#wanted = wanted;
  }

  tellDetail(id: ActorId): void {
    const actor = this.#actors.get(id);
    const detail = actor === undefined
      ? null
      : recordedDetail(actor.row, actor.chart, actor.recent, this.#clock.wallTime(), actor.context);
    this.#sink?.detail(id, detail);
  }

  recent(matching: (id: ActorId) => boolean): Promise<readonly TransitionRecord[]> {
    return Promise.resolve([...this.#actors].flatMap(([id, { recent }]) => matching(id) ? recent : []));
  }

  send(): Promise<void> {
    return Promise.reject(new Error("Cannot send events: the protocol of @statelyai/inspect goes one way"));
  }

  /** One message as it came. What is none of the protocol's is passed over. */
  receive(text: string): void {
    if (text.length > longestMessage) return;
    let message: Fields;
    try {
      message = JSON.parse(text) as Fields;
    } catch {
      return;
    }
    const { type, sessionId, _version } = message ?? {};
    if (typeof type !== "string" || typeof _version !== "string" || typeof sessionId !== "string") return;
    if (type === "@xstate.actor") this.#actor(sessionId, message);
    else if (type === "@xstate.event") this.#event(sessionId, message);
    else if (type === "@xstate.snapshot") this.#snapshot(sessionId, message);
  }

  #id(session: string): ActorId {
    return `${this.name}/xstate/-/${session.replaceAll("/", ":")}/-`;
  }

  #actor(session: string, { name, parentId, definition, snapshot, createdAt }: Fields): void {
    const id = this.#id(session);
    if (this.#actors.size >= actorsAtMost && !this.#actors.has(id)) return;
    const chart = foreignChart(definition, String(name ?? session));
    const key = machineKey(chart);
    if (!this.#charts.has(key)) {
      this.#charts.set(key, chart);
      this.#sink?.machines({ [key]: chart });
    }
    const row: ActorRow = {
      id,
      node: this.name,
      kind: "xstate",
      name: session,
      machine: key,
      ...(typeof parentId === "string" ? { supervisor: this.#id(parentId) } : {}),
      ...standing(snapshot),
      since: Number(createdAt) || this.#clock.wallTime(),
      incarnation: 1,
      problems: [],
      says: String(name ?? session),
      last: 0,
      transitions: 0,
      unhandled: 0,
    };
    const { context } = (snapshot ?? {}) as Fields;
    this.#actors.set(id, { row, chart, context: redact(context), recent: [], cause: { by: "start" } });
    this.#sink?.rows([row], []);
  }

  #event(session: string, { sourceId }: Fields): void {
    const actor = this.#actors.get(this.#id(session));
    if (actor === undefined) return;
    actor.cause = typeof sourceId === "string" && sourceId !== session
      ? { by: "message", from: this.#id(sourceId) }
      : { by: "world" };
  }

  #snapshot(session: string, { snapshot, event, createdAt }: Fields): void {
    const id = this.#id(session);
    const actor = this.#actors.get(id);
    if (actor === undefined) return;
    const said = (snapshot ?? {}) as Fields;
    const told = redact(event) as TransitionRecord["event"] | null;
    const type = typeof told?.type === "string" ? told.type : "(unknown)";
    const before = actor.row;
    const now = standing(snapshot);
    const context = redact(said["context"]);
    const wallTime = Number(createdAt) || this.#clock.wallTime();
    const sequence = ++this.#sequence;
    const edges = takenEdges(actor.chart, before.states, now.states, type);
    const moved = now.states.join() !== before.states.join();
    this.#counters.transitions++;
    const record: TransitionRecord = {
      ...{ type: "transition", id, sequence, process: this.name, at: wallTime, wallTime, incarnation: 1 },
      event: { ...told, type },
      cause: type.startsWith("xstate.after.")
        ? { by: "timer", id: type, delay: type.split(".")[2] ?? "" }
        : actor.cause,
      trace: `${this.name}:${sequence}`,
      edges,
      ...{ guards: [], orders: [], timers: [] },
      states: now.states,
      status: now.status === "down" ? "error" : now.status,
      delta: JSON.stringify(context) === JSON.stringify(actor.context)
        ? { set: {}, unset: [] }
        : { set: typeof context === "object" && context !== null ? context as Record<string, Json> : {}, unset: [] },
    };
    actor.row = {
      ...before,
      ...now,
      since: moved ? wallTime : before.since,
      last: sequence,
      transitions: before.transitions + 1,
      problems: now.status === "error" ? ["failing"] : [],
    };
    actor.context = context;
    actor.cause = { by: "world" };
    actor.recent.push(record);
    if (actor.recent.length > recentAtMost) actor.recent = actor.recent.slice(-recentAtMost);
    if (this.#wanted.allRecords || this.#wanted.ids.has(id)) this.#sink?.records([record], 0);
    this.#sink?.rows([actor.row], []);
    if (this.#wanted.ids.has(id)) this.tellDetail(id);
    this.#sink?.counters(this.#counters);
  }
}

function standing(snapshot: unknown): Pick<ActorRow, "states" | "status" | "tags"> {
  const { value, status, tags } = (snapshot ?? {}) as Fields;
  return {
    states: pathsOf(value),
    status: status === "done" || status === "error" ? status : status === "stopped" ? "done" : "active",
    tags: Array.isArray(tags) ? tags.map(String) : [],
  };
}

/** Paths of the innermost states of XState's state value. */
function pathsOf(value: unknown, prefix = ""): string[] {
  if (typeof value === "string") return [prefix + value];
  if (typeof value !== "object" || value === null) return [""];
  const paths = Object.entries(value).flatMap(([name, inner]) => {
    const isLeaf = typeof inner === "object" && inner !== null && Object.keys(inner).length === 0;
    return isLeaf ? [prefix + name] : pathsOf(inner, `${prefix}${name}.`);
  });
  return paths.length === 0 ? [""] : paths;
}

/** The chart of a definition as text; a single state where that is none of a machine. */
function foreignChart(definition: unknown, name: string): ChartDefinition {
  const chart = (config: Fields) =>
    chartOf(createMachine({ id: name, ...config } as never) as unknown as AnyStateMachine);
  try {
    return chart(JSON.parse(String(definition)) as Fields);
  } catch {
    return chart({});
  }
}

function takenEdges(
  chart: ChartDefinition,
  before: readonly string[],
  after: readonly string[],
  event: string,
): readonly number[] {
  const isActive = (path: string) => after.some((each) => each === path || each.startsWith(`${path}.`));
  for (const state of activeStates(chart.root, before)) {
    const taken = state.transitions.find(({ on, targets }) => on === event && targets.every(isActive));
    if (taken !== undefined) return [taken.id];
  }
  return [];
}
