/**
 * The inspection stream as messages: what the inspector page, `chartroom watch`, `chartroom events`, recordings and
 * foreign tools read. Plain JSON, one message per WebSocket frame, server-sent event or line of a recording.
 *
 * Version 1. Within a version fields and message types are only added: readers pass over what they do not know.
 * `docs/inspection.md` tells the same with examples.
 */
import type { ChartDefinition } from "../machines/chart/chart_definition.ts";
import type { Explanation } from "../machines/explain.ts";
import type { PossibleEvent } from "../machines/explain_possible.ts";

export type { ChartDefinition, ChartState, ChartTransition } from "../machines/chart/chart_definition.ts";
export type { Explanation } from "../machines/explain.ts";
export type { PossibleEvent } from "../machines/explain_possible.ts";

export const inspectionVersion = 1;
/** An actor's row is sent at most so often. */
export const coalesceMs = 100;
/** What stands where a value was left out because it may be a secret. */
export const redacted = "(redacted)";

/** Any JSON value, redacted and cut to a bounded size. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** `node/kind/namespace/name/uid`, with `-` for parts that do not apply. */
export type ActorId = string;

/** Conditions that people filter by; the words are shown as they are. */
export type Problem =
  /** It threw and waits to be started again. */
  | "down"
  /** It was started more than once, the last time within ten minutes. */
  | "restarting"
  /** Its state is tagged as unsettled, or it waits for an answer, for more than 30 s. */
  | "unsettled"
  /** Events that its state does not handle have come within a minute. */
  | "unhandled"
  /** Messages for it came to nobody, or answers came late, within a minute. */
  | "deadLetters"
  /** Its state is tagged `problem`, or its context says what is wrong. */
  | "failing";

/** An actor as the list shows it. */
export interface ActorRow {
  readonly id: ActorId;
  readonly node: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  /** Key of its chart among the machines. */
  readonly machine: string;
  readonly supervisor?: ActorId;
  /** Paths of the innermost active states, one per region. Empty while it is down. */
  readonly states: readonly string[];
  readonly status: "active" | "done" | "error" | "down";
  /** Wall time, in ms, since when it is in these states. */
  readonly since: number;
  /** Counts its starts. */
  readonly incarnation: number;
  readonly tags: readonly string[];
  readonly problems: readonly Problem[];
  /** Labels of the Kubernetes object behind it, where they are at hand. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What it was told about its situation, in words. */
  readonly says?: string;
  /** Short facts of its context worth a column: a raft member's role, term, commit and apply index. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  /** Sequence number of its last record in its process. */
  readonly last: number;
  /** Transitions, events that no state handled, dead letters; from when the hub began to count. */
  readonly transitions: number;
  readonly unhandled: number;
}

/** Fields of a row that have changed; `null`: the field is no longer there. */
export type RowChange =
  & { readonly id: ActorId }
  & {
    readonly [Field in keyof Omit<ActorRow, "id">]?: ActorRow[Field] | null;
  };

/** What actors are asked for. Every field that is there must hold; lists mean any of. */
export interface ActorFilter {
  readonly kind?: readonly string[];
  readonly namespace?: readonly string[];
  readonly node?: readonly string[];
  /** Exactly, or as `NAME:...` (a pod's containers and probes). */
  readonly name?: readonly string[];
  readonly uid?: readonly string[];
  /** A state's path or a part of it from the front: `stopping` finds `stopping.asked`. */
  readonly state?: readonly string[];
  /** All of these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Words, all of which occur in the address, the states, the tags or what it says; case does not matter. */
  readonly text?: string;
  readonly problems?: readonly Problem[];
  /** With any problem at all. */
  readonly anyProblem?: boolean;
}

export type SortBy = "problems" | "id" | "kind" | "state" | "since" | "recent";

export type RecordedCause =
  | { readonly by: "order"; readonly order: number; readonly type: string }
  | { readonly by: "message"; readonly from: ActorId }
  | { readonly by: "timer"; readonly id: string; readonly delay: string }
  | { readonly by: "world" }
  | { readonly by: "start" };

/** An event and what an actor made of it. */
export interface TransitionRecord {
  readonly type: "transition";
  readonly id: ActorId;
  /** Counts the records of its process; with `process` it names the record. */
  readonly sequence: number;
  readonly process: string;
  /** Monotonic ms of its process, and wall time in ms. */
  readonly at: number;
  readonly wallTime: number;
  readonly incarnation: number;
  readonly event: { readonly type: string; readonly [param: string]: Json };
  readonly cause: RecordedCause;
  /** `PROCESS:SEQUENCE` of the record in which the chain of causes began. */
  readonly trace: string;
  /** Ids of the chart's transitions that were taken, in order. Empty: no state handles the event. */
  readonly edges: readonly number[];
  readonly guards: readonly { readonly guard: string; readonly passed: boolean }[];
  readonly orders: readonly { readonly type: string; readonly params: Json }[];
  readonly timers: readonly TimerRecord[];
  /** States afterwards. */
  readonly states: readonly string[];
  readonly status: "active" | "done" | "error";
  /** Top-level fields of the context that this step changed. */
  readonly delta: { readonly set: Readonly<Record<string, Json>>; readonly unset: readonly string[] };
}

export interface TimerRecord {
  readonly id: string;
  /** The delay's name in the chart. */
  readonly delay: string;
  /** Wall time when it is due; absent: it was called off. */
  readonly due?: number;
}

/** Who has a part in an object's way from the request to where it is. */
export type ObjectLane =
  | "client"
  | "controllers"
  | "API server"
  | "log (raft)"
  | "scheduler"
  | "kubelet"
  | "Docker";

/** What one of them told another about an object, beside the charts. */
export interface StepRecord {
  readonly type: "step";
  /** Among the records of its process. */
  readonly sequence: number;
  readonly process: string;
  readonly wallTime: number;
  /** The same in every process: made of the object's uid or, where that is not known, its place. */
  readonly trace: string;
  readonly from: ObjectLane;
  readonly to: ObjectLane;
  readonly what: string;
}

export interface IncidentRecord {
  readonly type: "actor.stopped" | "actor.failed" | "message.dead" | "answer.late";
  readonly id: ActorId;
  readonly sequence: number;
  readonly process: string;
  readonly wallTime: number;
  readonly incarnation: number;
  readonly detail: string;
}

/** Everything about one actor. */
export interface ActorDetail {
  readonly row: ActorRow;
  readonly context: Json;
  readonly fault?: string;
  readonly timers: readonly { readonly id: string; readonly delay: string; readonly due: number }[];
  readonly orders: readonly { readonly id: number; readonly type: string; readonly since: number }[];
  /** Its last transitions, oldest first. */
  readonly recent: readonly TransitionRecord[];
  /** What `chartroom explain` prints, as data. */
  readonly explanation: Explanation;
  readonly possible: readonly PossibleEvent[];
  /** Actors it supervises. */
  readonly children: readonly ActorId[];
}

/** What is counted since the processes started, and what this connection did not get. */
export interface StreamCounters {
  readonly transitions: number;
  readonly unhandled: number;
  readonly deadMessages: number;
  readonly lateAnswers: number;
  readonly faults: number;
  readonly actors: number;
  readonly watchers: number;
  /** Records and row changes that this connection was too slow for. A row that was left out is sent as it is then. */
  readonly dropped: number;
}

export type ServerMessage =
  /** Always the first. */
  | {
    readonly type: "hello";
    readonly version: typeof inspectionVersion;
    readonly cluster: string;
    /** Names this run of the hub: sequences of another run mean nothing here. */
    readonly session: string;
    readonly sequence: number;
    readonly wallTime: number;
    readonly source: "cluster" | "recording" | "foreign" | "checker";
    /** Whether `send` is answered. */
    readonly maySend: boolean;
    /** From when on history is kept on disk; absent: it is not. */
    readonly historyFrom?: number;
  }
  /** Charts; each is sent once, before the first row that names it. */
  | { readonly type: "machines"; readonly machines: Readonly<Record<string, ChartDefinition>> }
  /**
   * The list for a filter, in pieces; `first` begins a new list (forget the former), `last` ends it. `offset` is the
   * place of the first row in the whole list.
   */
  | {
    readonly type: "actors";
    readonly sequence: number;
    readonly wallTime: number;
    readonly rows: readonly ActorRow[];
    readonly offset: number;
    readonly matched: number;
    readonly total: number;
    readonly first: boolean;
    readonly last: boolean;
  }
  /** What has changed in the list since; all that happened within `coalesceMs` in one. */
  | {
    readonly type: "changes";
    readonly sequence: number;
    readonly wallTime: number;
    readonly matched: number;
    readonly total: number;
    readonly added: readonly ActorRow[];
    readonly changed: readonly RowChange[];
    /** Gone, or no longer matching the filter. */
    readonly removed: readonly ActorId[];
    /** With `limit`: the rows of the window in their order, when that has changed. */
    readonly order?: readonly ActorId[];
  }
  /** Of all actors that may be seen, whatever the filter: at most once a second. `PROBLEM` to how many. */
  | {
    readonly type: "counts";
    readonly total: number;
    /** Kind to state (regions joined by ` + `) to how many. */
    readonly kinds: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly nodes: Readonly<Record<string, number>>;
    readonly namespaces: Readonly<Record<string, number>>;
    readonly problems: Readonly<Partial<Record<Problem, number>>>;
  }
  /** After `subscribe`, and whenever the actor has changed (at most every `coalesceMs`). */
  | { readonly type: "detail"; readonly id: ActorId; readonly detail: ActorDetail | null }
  /** What subscribed actors did; `dropped`: so many before these were left out. */
  | { readonly type: "records"; readonly records: readonly TransitionRecord[]; readonly dropped: number }
  | { readonly type: "incidents"; readonly incidents: readonly IncidentRecord[]; readonly dropped: number }
  | { readonly type: "counters"; readonly counters: StreamCounters }
  /** The processes that are gathered here, and why one is silent. */
  | {
    readonly type: "processes";
    readonly processes: readonly { readonly name: string; readonly actors: number; readonly problem?: string }[];
  }
  /** Answers `history`, `trace` and `object`. `next` asks for the rest. */
  | {
    readonly type: "answer";
    readonly request: number;
    readonly records: readonly TransitionRecord[];
    readonly incidents: readonly IncidentRecord[];
    /** Of `object`: requests, entries of the log and orders to the container engine, of all processes. */
    readonly steps?: readonly StepRecord[];
    readonly next?: string;
    /** Whether this comes from the rings of the last 8 transitions only, for want of a history. */
    readonly ringsOnly: boolean;
  }
  /** Answers `seek`: the rows as they were then. */
  | { readonly type: "seen"; readonly request: number; readonly wallTime: number; readonly rows: readonly ActorRow[] }
  /** Answers `send`: the actor has been told. */
  | { readonly type: "sent"; readonly request: number }
  | {
    readonly type: "error";
    readonly request?: number;
    readonly code: "badMessage" | "notFound" | "forbidden" | "tooMuch" | "noHistory" | "unavailable";
    readonly message: string;
  };

export type ClientMessage =
  /**
   * Which actors are listed; replaces the former wish. With `resume` only what has changed since that sequence of that
   * session is sent, if it is known still (else the whole list). With `limit` only a window is sent and kept up.
   */
  | {
    readonly type: "watch";
    readonly filter?: ActorFilter;
    readonly sort?: SortBy;
    readonly offset?: number;
    readonly limit?: number;
    readonly resume?: { readonly session: string; readonly sequence: number };
    /** Default true. */
    readonly counts?: boolean;
    /** Default true. */
    readonly incidents?: boolean;
  }
  /** Nothing is listed any more. */
  | { readonly type: "unwatch" }
  /** Everything about an actor, from now on; `after`: the sequence number of the last record that is known. */
  | { readonly type: "subscribe"; readonly id: ActorId; readonly after?: number }
  /** Records of every actor that matches, without details: for `chartroom events --follow`. */
  | { readonly type: "follow"; readonly filter: ActorFilter }
  | { readonly type: "unfollow" }
  | { readonly type: "unsubscribe"; readonly id: ActorId }
  /** Records of one actor or, without `id`, of all that match the filter; newest last. */
  | {
    readonly type: "history";
    readonly request: number;
    readonly id?: ActorId;
    readonly filter?: ActorFilter;
    /** Wall times. */
    readonly from?: number;
    readonly to?: number;
    readonly limit?: number;
    /** `next` of the former answer. */
    readonly next?: string;
  }
  /** Every record of a chain of causes. */
  | { readonly type: "trace"; readonly request: number; readonly trace: string }
  /** The records of all actors that look after a Kubernetes object, by wall time: the swim lanes. */
  | {
    readonly type: "object";
    readonly request: number;
    /** `pod`, `deployment`, `node`, `service` ... */
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
  }
  | { readonly type: "seek"; readonly request: number; readonly wallTime: number; readonly filter?: ActorFilter }
  | {
    readonly type: "send";
    readonly request: number;
    readonly id: ActorId;
    readonly event: { readonly type: string; readonly [param: string]: Json };
  };

/** Who reads the stream: a WebSocket, server-sent events, a file. */
export interface InspectionClient {
  /** One message as JSON; never waits. */
  send(text: string): void;
  /** Bytes that it has not taken yet: while they are many, records are dropped and rows wait. */
  readonly unsentBytes: number;
  /** Whether it may see this actor; undefined: that is being found out, ask again. */
  maySee(row: Pick<ActorRow, "kind" | "namespace" | "name" | "node">): boolean | undefined;
  /** Whether `send` is allowed to it. */
  readonly maySend: boolean;
}

export interface InspectionConnection {
  /** A message of the client, as it came. */
  receive(text: string): void;
  close(): void;
}

/** Whoever has a stream to read: a cluster, a recording, a foreign app. */
export interface InspectionHub {
  /** Says hello at once. */
  connect(client: InspectionClient): InspectionConnection;
  /** What is known, as the lines of a recording. */
  recording(
    wish: { readonly filter?: ActorFilter; readonly from?: number; readonly to?: number },
    maySee: InspectionClient["maySee"],
  ): AsyncIterable<string>;
}
