/** Another process' hub as a source: the stream's own protocol, spoken as a client. Connects again when it is cut off. */
import type { Clock, Wake } from "../../ports/clock.ts";
import type {
  ActorId,
  ActorRow,
  ClientMessage,
  ServerMessage,
  StepRecord,
  TransitionRecord,
} from "../../ports/inspection.ts";
import { changedRow } from "./changed_row.ts";
import type { InspectionSource, ObjectQuestion, SourceSink, Wanted } from "./inspection_source.ts";

export interface StreamConnection {
  send(text: string): void;
  close(): void;
}

/** Opens a connection to another hub. @throws Error saying why that cannot be. */
export type ConnectStream = (
  hear: { message(text: string): void; closed(): void },
) => Promise<StreamConnection>;

const againMs = { first: 500, most: 15_000 };
const answerWithinMs = 5_000;
/** A hub tells its counters every second: who has said nothing for so long has stopped, or its host is gone. */
const silentAfterMs = 5_000;
const nothing: Wanted = { allRecords: false, ids: new Set() };

export class RemoteSource implements InspectionSource {
  readonly name: string;
  readonly #connect: ConnectStream;
  readonly #clock: Clock;
  readonly #rows = new Map<ActorId, ActorRow>();
  /** Rows of a list that is still coming. */
  #listed: Set<ActorId> | undefined;
  readonly #questions = new Map<number, { done(answer: ServerMessage | undefined): void; limit: Wake }>();
  #requests = 0;
  #sink: SourceSink | undefined;
  #connection: StreamConnection | undefined;
  #again: Wake | undefined;
  #look: Wake | undefined;
  #heardAt = 0;
  #failures = 0;
  #told = nothing;
  #wanted = nothing;
  /** Counts openings: what belongs to a former one is passed over. */
  #life = 0;

  constructor(name: string, clock: Clock, connect: ConnectStream) {
    this.name = name;
    this.#clock = clock;
    this.#connect = connect;
  }

  open(sink: SourceSink): void {
    this.#sink = sink;
    this.#life++;
    void this.#begin(this.#life);
  }

  close(): void {
    this.#life++;
    this.#again?.cancel();
    this.#look?.cancel();
    this.#connection?.close();
    this.#sink =
      this.#connection =
      this.#again =
      this.#look =
        undefined;
    this.#rows.clear();
    this.#wanted = this.#told = nothing;
    this.#failures = 0;
    this.#dropQuestions();
  }

  want(wanted: Wanted): void {
    this.#wanted = wanted;
    if (this.#connection === undefined) return;
    const told = this.#told;
    this.#told = wanted;
    if (wanted.allRecords !== told.allRecords) {
      this.#say(wanted.allRecords ? { type: "follow", filter: {} } : { type: "unfollow" });
    }
    for (const id of wanted.ids) if (!told.ids.has(id) && this.#rows.has(id)) this.#say({ type: "subscribe", id });
    for (const id of told.ids) if (!wanted.ids.has(id)) this.#say({ type: "unsubscribe", id });
  }

  tellDetail(id: ActorId): void {
    this.#say({ type: "subscribe", id });
  }

  async recent(matching: (id: ActorId) => boolean): Promise<readonly TransitionRecord[]> {
    const answer = await this.#ask((request) => ({ type: "history", request }));
    return answer?.type === "answer" ? answer.records.filter(({ id }) => matching(id)) : [];
  }

  async steps({ kind, namespace, name }: ObjectQuestion): Promise<readonly StepRecord[]> {
    const where = namespace === undefined ? {} : { namespace };
    const answer = await this.#ask((request) => ({ type: "object", request, kind, name, ...where }));
    return answer?.type === "answer" ? answer.steps ?? [] : [];
  }

  async send(id: ActorId, event: Parameters<InspectionSource["send"]>[1]): Promise<void> {
    const answer = await this.#ask((request) => ({ type: "send", request, id, event }));
    if (answer?.type === "sent") return;
    throw new Error(answer?.type === "error" ? answer.message : `Cannot send "${event.type}": ${this.name} is silent`);
  }

  async #begin(life: number): Promise<void> {
    try {
      const connection = await this.#connect({
        message: (text) => life === this.#life && this.#hear(JSON.parse(text) as ServerMessage),
        closed: () => this.#lost(life, "the connection was closed"),
      });
      if (life !== this.#life) return connection.close();
      this.#heardAt = this.#clock.now();
      this.#lookForSilence(life);
      this.#connection = connection;
      this.#failures = 0;
      this.#told = nothing;
      this.#sink?.heard(undefined);
      this.#say({ type: "watch", counts: false });
      this.want(this.#wanted);
    } catch (error) {
      this.#lost(life, (error as Error).message);
    }
  }

  #lookForSilence(life: number): void {
    this.#look?.cancel();
    this.#look = this.#clock.wakeAt(this.#heardAt + silentAfterMs, () => {
      if (life !== this.#life || this.#connection === undefined) return;
      if (this.#clock.now() < this.#heardAt + silentAfterMs) return this.#lookForSilence(life);
      const silent = this.#connection;
      this.#lost(life, `nothing was heard of it for ${silentAfterMs / 1000} s`);
      silent.close();
    });
  }

  #lost(life: number, problem: string): void {
    if (life !== this.#life || this.#again !== undefined) return;
    this.#look?.cancel();
    this.#connection = undefined;
    this.#dropQuestions();
    this.#sink?.heard(problem);
    const delay = Math.min(againMs.most, againMs.first * 2 ** Math.min(10, this.#failures++));
    this.#again = this.#clock.wakeAt(this.#clock.now() + delay, () => {
      this.#again = undefined;
      void this.#begin(life);
    });
  }

  #hear(message: ServerMessage): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#heardAt = this.#clock.now();
    switch (message.type) {
      case "machines":
        return sink.machines(message.machines);
      case "actors":
        return this.#list(message, sink);
      case "changes": {
        const changed = message.changed.flatMap((change) => {
          const row = this.#rows.get(change.id);
          return row === undefined ? [] : [changedRow(row, change)];
        });
        return this.#take([...message.added, ...changed], message.removed, sink);
      }
      case "records":
        return sink.records(message.records, message.dropped);
      case "incidents":
        return sink.incidents(message.incidents, message.dropped);
      case "detail":
        return sink.detail(message.id, message.detail);
      case "counters":
        return sink.counters(message.counters);
      case "answer":
      case "sent":
      case "error":
        return this.#answered(message);
    }
  }

  #list(message: Extract<ServerMessage, { type: "actors" }>, sink: SourceSink): void {
    if (message.first) this.#listed = new Set();
    for (const { id } of message.rows) this.#listed?.add(id);
    const gone = message.last ? [...this.#rows.keys()].filter((id) => !this.#listed?.has(id)) : [];
    this.#take(message.rows, gone, sink);
  }

  #take(rows: readonly ActorRow[], removed: readonly ActorId[], sink: SourceSink): void {
    for (const row of rows) this.#rows.set(row.id, row);
    for (const id of removed) this.#rows.delete(id);
    sink.rows(rows, removed);
  }

  #say(message: ClientMessage): void {
    this.#connection?.send(JSON.stringify(message));
  }

  #ask(question: (request: number) => ClientMessage): Promise<ServerMessage | undefined> {
    if (this.#connection === undefined) return Promise.resolve(undefined);
    const request = ++this.#requests;
    const { promise, resolve } = Promise.withResolvers<ServerMessage | undefined>();
    const limit = this.#clock.wakeAt(this.#clock.now() + answerWithinMs, () => {
      this.#questions.delete(request);
      resolve(undefined);
    });
    this.#questions.set(request, { done: resolve, limit });
    this.#say(question(request));
    return promise;
  }

  #answered(message: Extract<ServerMessage, { type: "answer" | "sent" | "error" }>): void {
    const question = this.#questions.get(message.request ?? 0);
    if (question === undefined) return;
    this.#questions.delete(message.request ?? 0);
    question.limit.cancel();
    question.done(message);
  }

  #dropQuestions(): void {
    for (const { done, limit } of this.#questions.values()) {
      limit.cancel();
      done(undefined);
    }
    this.#questions.clear();
  }
}
