/** Where the hub learns of actors: the system of its own process, a node's process, a foreign app. */
import type {
  ActorDetail,
  ActorId,
  ActorRow,
  ChartDefinition,
  ClientMessage,
  IncidentRecord,
  Json,
  StepRecord,
  StreamCounters,
  TransitionRecord,
} from "../../ports/inspection.ts";

export type SourceCounters = Omit<StreamCounters, "actors" | "watchers" | "dropped">;

/** What the hub wants beyond rows. */
export interface Wanted {
  /** Records of every actor. */
  readonly allRecords: boolean;
  /** Records and details of these. */
  readonly ids: ReadonlySet<ActorId>;
}

/** A Kubernetes object that is asked about, by a singular such as `pod`. */
export type ObjectQuestion = Pick<Extract<ClientMessage, { type: "object" }>, "kind" | "namespace" | "name">;

export interface InspectionSource {
  /** The process' name. */
  readonly name: string;
  /** Begins to tell: first of every actor that is there. */
  open(sink: SourceSink): void;
  /** Ends it. Nothing is told, and nothing costs anything, until it is opened again. */
  close(): void;
  want(wanted: Wanted): void;
  /** Tells the detail of a wanted actor now; else it is told when the actor has changed. */
  tellDetail(id: ActorId): void;
  /** The records that its actors keep of themselves, oldest first. */
  recent(matching: (id: ActorId) => boolean): Promise<readonly TransitionRecord[]>;
  /** What was done beside the charts for an object, where the source knows of such. */
  steps?(object: ObjectQuestion): Promise<readonly StepRecord[]>;
  /** @throws Error when that actor is not there. */
  send(id: ActorId, event: { readonly type: string; readonly [param: string]: Json }): Promise<void>;
}

export interface SourceSink {
  /** Before the first row that names them. */
  machines(machines: Readonly<Record<string, ChartDefinition>>): void;
  /** Whole rows of actors that are new or have changed, and those that are gone. */
  rows(changed: readonly ActorRow[], removed: readonly ActorId[]): void;
  records(records: readonly TransitionRecord[], dropped: number): void;
  incidents(incidents: readonly IncidentRecord[], dropped: number): void;
  /** Of those that were wanted; null: not there. */
  detail(id: ActorId, detail: ActorDetail | null): void;
  counters(counters: SourceCounters): void;
  /** Whether it can be heard; undefined: it can. */
  heard(problem: string | undefined): void;
}
