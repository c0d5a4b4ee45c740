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
  type StreamCounters,
  type TransitionRecord,
} from "../../ports/inspection.ts";
import type { Clock, Wake } from "../../ports/clock.ts";
import { rowTest } from "./actor_filter.ts";
import type { HistoryRecorder } from "./history_recorder.ts";
import { HubSession } from "./hub_session.ts";
import type { InspectionSource, SourceCounters } from "./inspection_source.ts";
import type { Rows } from "./watch_list.ts";

export interface HubOptions {
  readonly clock: Clock;
  readonly cluster: string;
  /** Names this run. */
  readonly session: string;
  readonly source?: "cluster" | "foreign" | "recording" | "checker";
  /** Whether `send` is answered at all. */
  readonly maySend?: boolean;
}

/** So long after the last connection has ended the sources are still listened to. */
const lingerMs = 30_000;
/** How long other processes get to tell of themselves before a recording is made of what is there. */
const gatheringMs = 1_000;
/** Records of one recording. */
const recordedAtMost = 200_000;
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

  *all(): Generator<ActorRow> {
    for (const { row } of this.#rows.values()) yield row;
  }

  /** Told when the first connection comes, and when nobody has been there for a while. */
  whenWatched(tell: (watched: boolean) => void): void {
    this.#watched = tell;
  }

  /** Joins a source; one of the same name is replaced. */
  add(source: InspectionSource): void {
    this.remove(source.name);
    this.#sources.set(source.name, source);
    if (!this.#open) return;
    this.#listen(source);
    this.#tell((session) => session.say(this.processes()));
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
    this.#tell((session) => session.say(this.processes()));
  }

  connect(client: InspectionClient): InspectionConnection {
    this.#linger?.cancel();
    this.#linger = undefined;
    if (!this.#open) {
      this.#open = true;
      for (const source of this.#sources.values()) this.#listen(source);
      this.#watched?.(true);
    }
    const session = new HubSession(this, client);
    this.#sessions.add(session);
    session.say(this.hello(client));
    session.say(this.processes());
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
      const matches = rowTest(wish.filter);
      const rows = [...this.all()].filter((row) => maySee(row) === true && matches(row));
      const ids = new Set(rows.map(({ id }) => id));
      const { from = 0, to = Infinity } = wish;
      const records = await this.past((id) => ids.has(id), from, to, recordedAtMost);
      yield JSON.stringify({ ...this.hello(client), source: "recording" });
      yield JSON.stringify({ type: "machines", machines: Object.fromEntries(this.machines) });
      const { sequence, clock } = this;
      const matched = rows.length;
      yield JSON.stringify({
        ...{ type: "actors", sequence, wallTime: clock.wallTime(), rows, offset: 0 },
        ...{ matched, total: matched, first: true, last: true },
      });
      for (const record of records) {
        yield JSON.stringify({ type: "records", records: [record], dropped: 0 });
      }
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

  processes(): Extract<ServerMessage, { type: "processes" }> {
    const counts = new Map<string, number>();
    for (const { source } of this.#rows.values()) counts.set(source, (counts.get(source) ?? 0) + 1);
    return {
      type: "processes",
      processes: [...this.#sources.keys()].map((name) => {
        const problem = this.#problems.get(name);
        return { name, actors: counts.get(name) ?? 0, ...(problem === undefined ? {} : { problem }) };
      }),
    };
  }

  counters(dropped: number): StreamCounters {
    const sum = { transitions: 0, unhandled: 0, deadMessages: 0, lateAnswers: 0, faults: 0 };
    for (const counters of this.#counters.values()) {
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counters[name];
    }
    return { ...sum, actors: this.#rows.size, watchers: this.#sessions.size, dropped };
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
        this.#tell((session) => session.say(this.processes()));
      },
    });
    this.updateWanted();
  }

  #take(source: string, changed: readonly ActorRow[], removed: readonly ActorId[]): void {
    const sequence = ++this.#sequence;
    for (const row of changed) {
      if (row.supervisor !== undefined && !this.#rows.has(row.id)) this.#childrenOf(row.supervisor).add(row.id);
      this.#rows.set(row.id, { row, sequence, source });
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
