/**
 * Gathers what the sources tell and gives each connection its part. It listens to them only while somebody is
 * connected, and a little longer, so that a page that reloads need not begin anew.
 */
import {
  type ActorDetail,
  type ActorId,
  type ActorRow,
  type ChartDefinition,
  type IncidentRecord,
  type InspectionClient,
  type InspectionConnection,
  type InspectionHub,
  inspectionVersion,
  type ServerMessage,
  type StepRecord,
  type StreamCounters,
  type TransitionRecord,
} from "../../ports/inspection.ts";
import type { Clock, Wake } from "../../ports/clock.ts";
import { recordingLines } from "./hub_recording.ts";
import type { HistoryRecorder } from "./history_recorder.ts";
import { HubSession } from "./hub_session.ts";
import type { InspectionSource, ObjectQuestion, SourceCounters } from "./inspection_source.ts";
import type { Rows } from "./watch_list.ts";

export interface HubOptions {
  readonly clock: Clock;
  readonly cluster: string;
  /** Names this run. */
  readonly session: string;
  readonly source?: "cluster" | "foreign" | "recording" | "checker";
  /** Whether `send` is answered at all. */
  readonly maySend?: boolean;
  /** Labels of the object that an actor looks after, when they are at hand. */
  labels?(row: ActorRow): ActorRow["labels"];
}

/** So long after the last connection has ended the sources are still listened to. */
const lingerMs = 30_000;
/** How long other processes get to tell of themselves before a recording is made of what is there. */
const gatheringMs = 1_000;
/** How often labels are looked at. */
const labelEveryMs = 5_000;
/** Actors that have ended are remembered for those who come back; beyond that they get the whole list. */
const removedAtMost = 5_000;

export class Hub implements InspectionHub, Rows {
  readonly #options: HubOptions;
  readonly #sources = new Map<string, InspectionSource>();
  readonly #problems = new Map<string, string>();
  readonly #counters = new Map<string, SourceCounters>();
  readonly machines = new Map<string, ChartDefinition>();
  readonly #rows = new Map<ActorId, { row: ActorRow; sequence: number; source: string }>();
  readonly #children = new Map<ActorId, Set<ActorId>>();
  readonly #sessions = new Set<HubSession>();
  #removed: { readonly id: ActorId; readonly sequence: number }[] = [];
  #sequence = 0;
  /** Since when every removal is in `#removed`. */
  #completeSince = 0;
  /** What is kept on disk; absent: the actors' own last transitions are all there is. */
  history: HistoryRecorder | undefined;
  #linger: Wake | undefined;
  #labelling: Wake | undefined;
  #open = false;
  #watched: ((watched: boolean) => void) | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(id: ActorId): ActorRow | undefined {
    return this.#rows.get(id)?.row;
  }

  /** Every row with the source that tells of it. */
  held(): Iterable<{ readonly row: ActorRow; readonly source: string }> {
    return this.#rows.values();
  }

  *all(): Generator<ActorRow> {
    for (const { row } of this.#rows.values()) yield row;
  }

  /** Told when the first connection comes, or is there already, and when nobody has been there for a while. */
  whenWatched(tell: (watched: boolean) => void): void {
    this.#watched = tell;
    if (this.#open) tell(true);
  }

  /** Joins a source; one of the same name is replaced. */
  add(source: InspectionSource): void {
    this.remove(source.name);
    this.#sources.set(source.name, source);
    if (!this.#open) return;
    this.#listen(source);
    this.#tell((session) => session.tellProcesses());
  }

  remove(name: string): void {
    const source = this.#sources.get(name);
    if (source === undefined) return;
    this.#sources.delete(name);
    this.#problems.delete(name);
    this.#counters.delete(name);
    if (!this.#open) return;
    source.close();
    this.#take(name, [], [...this.#rows].filter(([, held]) => held.source === name).map(([id]) => id));
    this.#tell((session) => session.tellProcesses());
  }

  connect(client: InspectionClient): InspectionConnection {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (!this.#open) {
      this.#open = true;
      for (const source of this.#sources.values()) this.#listen(source);
      this.#watched?.(true);
      this.#labelAnew();
    }
    const session = new HubSession(this, client);
    this.#sessions.add(session);
    session.say(this.hello(client));
    session.tellProcesses();
    session.tellCounters();
    return {
      receive: (text) => session.receive(text),
      close: () => this.#disconnect(session),
    };
  }

  async *recording(
    wish: Parameters<InspectionHub["recording"]>[0],
    maySee: InspectionClient["maySee"],
  ): AsyncGenerator<string> {
    const client: InspectionClient = { send() {}, unsentBytes: 0, maySee, maySend: false };
    const gathers = !this.#open && this.#watched !== undefined;
    const connection = this.connect(client);
    try {
      if (gathers) await this.#pause(gatheringMs);
      yield* recordingLines(this, this.hello(client), wish, maySee);
    } finally {
      connection.close();
    }
  }

  /** Ends all of it. */
  stop(): void {
    for (const session of this.#sessions) session.close();
    this.#sessions.clear();
    this.#close();
  }

  hello(client: InspectionClient): Extract<ServerMessage, { type: "hello" }> {
    const { cluster, session, source = "cluster", clock } = this.#options;
    return {
      type: "hello",
      version: inspectionVersion,
      cluster,
      session,
      sequence: this.#sequence,
      wallTime: clock.wallTime(),
      source,
      maySend: this.maySend(client),
      ...(this.history?.from === undefined ? {} : { historyFrom: this.history.from }),
    };
  }

  maySend(client: InspectionClient): boolean {
    return this.#options.maySend === true && client.maySend;
  }

  /** Who is gathered here, and why one is silent. */
  processes(): { readonly name: string; readonly problem?: string }[] {
    return [...this.#sources.keys()].map((name) => {
      const problem = this.#problems.get(name);
      return { name, ...(problem === undefined ? {} : { problem }) };
    });
  }

  /** @param actors that may be seen by whoever is told. */
  counters(dropped: number, actors: number): StreamCounters {
    const sum = { transitions: 0, unhandled: 0, deadMessages: 0, lateAnswers: 0, faults: 0 };
    for (const counters of this.#counters.values()) {
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counters[name];
    }
    return { ...sum, actors, watchers: this.#sessions.size, dropped };
  }

  /** Who has changed since, and who is gone; undefined: that is not known any more. */
  changedSince(session: string, sequence: number): ActorId[] | undefined {
    if (session !== this.#options.session || sequence < this.#completeSince || sequence > this.#sequence) {
      return undefined;
    }
    const changed = [...this.#rows].filter(([, held]) => held.sequence > sequence).map(([id]) => id);
    return [...changed, ...this.#removed.filter((gone) => gone.sequence > sequence).map(({ id }) => id)];
  }

  /** What the actors keep of themselves, of all processes, by time. */
  async recent(matching: (id: ActorId) => boolean): Promise<TransitionRecord[]> {
    const found = await Promise.all([...this.#sources.values()].map((source) => source.recent(matching)));
    return found.flat().sort((one, other) => one.wallTime - other.wallTime || one.sequence - other.sequence);
  }

  /** What was done for an object beside the charts, of all processes, by time. */
  async steps(object: ObjectQuestion): Promise<StepRecord[]> {
    const found = await Promise.all([...this.#sources.values()].map((source) => source.steps?.(object) ?? []));
    return found.flat().sort((one, other) => one.wallTime - other.wallTime || one.sequence - other.sequence);
  }

  /** Records within the time: of the history, where one is kept, else what the actors keep of themselves. */
  async past(matching: (id: ActorId) => boolean, from: number, to: number, most: number): Promise<TransitionRecord[]> {
    const { history } = this;
    if (history !== undefined) return await history.records(from, to, matching, most);
    return (await this.recent(matching)).filter(({ wallTime }) => wallTime >= from && wallTime <= to).slice(-most);
  }

  async send(id: ActorId, event: Parameters<InspectionSource["send"]>[1]): Promise<void> {
    const source = this.#sources.get(this.#rows.get(id)?.source ?? "");
    if (source === undefined) throw new Error(`Cannot send "${event.type}": nobody is at "${id}"`);
    await source.send(id, event);
  }

  /** Tells the sources what the sessions want together. */
  updateWanted(): void {
    const sessions = [...this.#sessions];
    const wanted = {
      allRecords: sessions.some(({ follows }) => follows),
      ids: new Set(sessions.flatMap(({ subscriptions }) => [...subscriptions])),
    };
    for (const source of this.#sources.values()) source.want(wanted);
  }

  /** Somebody has subscribed to an actor: its detail is told, whether or not it was wanted before. */
  wantAnew(id: ActorId): void {
    const source = this.#sources.get(this.#rows.get(id)?.source ?? "");
    this.updateWanted();
    source?.tellDetail(id);
  }

  #disconnect(session: HubSession): void {
    session.close();
    if (!this.#sessions.delete(session)) return;
    this.updateWanted();
    if (this.#sessions.size > 0) return;
    const { clock } = this.#options;
    this.#linger = clock.wakeAt(clock.now() + lingerMs, () => this.#close());
  }

  #close(): void {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (!this.#open) return;
    this.#open = false;
    this.#labelling?.cancel();
    this.#watched?.(false);
    for (const source of this.#sources.values()) source.close();
    this.#rows.clear();
    this.#children.clear();
    this.#removed = [];
    this.#counters.clear();
    this.#completeSince = ++this.#sequence;
  }

  #listen(source: InspectionSource): void {
    const { name } = source;
    source.open({
      machines: (machines) => {
        for (const [key, chart] of Object.entries(machines)) this.machines.set(key, chart);
      },
      rows: (changed, removed) => this.#take(name, changed, removed),
      records: (records: readonly TransitionRecord[], dropped) => {
        this.#tell((session) => session.tellRecords(records, dropped));
      },
      incidents: (incidents: readonly IncidentRecord[], dropped) => {
        this.#tell((session) => session.tellIncidents(incidents, dropped));
      },
      detail: (id, detail: ActorDetail | null) => {
        const children = [...this.#children.get(id) ?? []];
        this.#tell((session) => session.tellDetail(id, detail === null ? null : { ...detail, children }));
      },
      counters: (counters) => void this.#counters.set(name, counters),
      heard: (problem) => {
        if (this.#problems.get(name) === problem) return;
        if (problem === undefined) this.#problems.delete(name);
        else this.#problems.set(name, problem);
        this.#tell((session) => session.tellProcesses());
      },
    });
    this.updateWanted();
  }

  #take(source: string, changed: readonly ActorRow[], removed: readonly ActorId[]): void {
    const sequence = ++this.#sequence;
    for (const row of changed) {
      if (row.supervisor !== undefined && !this.#rows.has(row.id)) this.#childrenOf(row.supervisor).add(row.id);
      this.#rows.set(row.id, { row: this.#labelled(row), sequence, source });
    }
    for (const id of removed) {
      const held = this.#rows.get(id);
      // It may live on another source by now.
      if (held === undefined || held.source !== source) continue;
      const { supervisor } = held.row;
      this.#rows.delete(id);
      this.#children.delete(id);
      if (supervisor !== undefined) this.#children.get(supervisor)?.delete(id);
      this.#removed.push({ id, sequence });
    }
    if (this.#removed.length > 2 * removedAtMost) {
      this.#removed = this.#removed.slice(-removedAtMost);
      this.#completeSince = this.#removed[0]!.sequence;
    }
    const touched = [...changed.map(({ id }) => id), ...removed];
    this.#tell((session) => session.touch(touched));
  }

  #labelled(row: ActorRow): ActorRow {
    const { labels: labelsOf } = this.#options;
    if (labelsOf === undefined) return row;
    const labels = labelsOf(row);
    return labels === row.labels ? row : withLabels(row, labels);
  }

  /** Labels change without an event of the actor. */
  #labelAnew(): void {
    const { clock, labels } = this.#options;
    if (labels === undefined) return;
    this.#labelling = clock.wakeAt(clock.now() + labelEveryMs, () => {
      const changed: ActorId[] = [];
      for (const [id, held] of this.#rows) {
        const row = this.#labelled(held.row);
        if (row === held.row) continue;
        if (changed.length === 0) this.#sequence++;
        this.#rows.set(id, { ...held, row, sequence: this.#sequence });
        changed.push(id);
      }
      if (changed.length > 0) this.#tell((session) => session.touch(changed));
      this.#labelAnew();
    });
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => void clock.wakeAt(clock.now() + ms, resolve));
  }

  #childrenOf(id: ActorId): Set<ActorId> {
    let children = this.#children.get(id);
    if (children === undefined) this.#children.set(id, children = new Set());
    return children;
  }

  #tell(say: (session: HubSession) => void): void {
    for (const session of this.#sessions) say(session);
  }
}

function withLabels({ labels: _former, ...row }: ActorRow, labels: ActorRow["labels"]): ActorRow {
  return labels === undefined ? row : { ...row, labels };
}
