/** One connection to the hub: what it wished for, and what it is sent. */
import {
  type ActorDetail,
  type ActorId,
  type ActorRow,
  type ClientMessage,
  coalesceMs,
  type IncidentRecord,
  type InspectionClient,
  type Problem,
  type ServerMessage,
  type TransitionRecord,
} from "../../ports/inspection.ts";
import type { Wake } from "../../ports/clock.ts";
import { addressedRow, type RowTest, rowTest } from "./actor_filter.ts";
import { readClientMessage } from "./client_message.ts";
import type { Hub } from "./inspection_hub.ts";
import { answerQuestion, type Question } from "./questions.ts";
import { WatchList } from "./watch_list.ts";

/** A client that has not taken so much is behind: rows wait for it, records are dropped and counted. */
const behindBytes = 1024 * 1024;
const subscriptionsAtMost = 50;
const countsEveryMs = 1_000;

export class HubSession {
  readonly subscriptions = new Set<ActorId>();
  readonly #hub: Hub;
  readonly #client: InspectionClient;
  readonly #machines = new Set<string>();
  #list: WatchList | undefined;
  #following: RowTest | undefined;
  #wantsCounts = false;
  #countsChanged = true;
  #wantsIncidents = false;
  #dropped = 0;
  /** Actors that it may see, and what it was last told of processes. */
  #seen = 0;
  #toldProcesses = "";
  #later: Wake | undefined;
  #counts: Wake | undefined;
  #closed = false;

  constructor(hub: Hub, client: InspectionClient) {
    this.#hub = hub;
    this.#client = client;
  }

  get follows(): boolean {
    return this.#following !== undefined;
  }

  get #isBehind(): boolean {
    return this.#client.unsentBytes > behindBytes;
  }

  say(message: ServerMessage): void {
    if (!this.#closed) this.#client.send(JSON.stringify(message));
  }

  close(): void {
    this.#closed = true;
    this.#later?.cancel();
    this.#counts?.cancel();
    this.subscriptions.clear();
    this.#following = this.#list = undefined;
  }

  receive(text: string): void {
    let message: ClientMessage;
    try {
      message = readClientMessage(text);
    } catch (error) {
      return this.say({ type: "error", code: "badMessage", message: (error as Error).message });
    }
    switch (message.type) {
      case "watch":
        return this.#watch(message);
      case "unwatch":
        this.#list = undefined;
        return;
      case "subscribe":
        return this.#subscribe(message);
      case "unsubscribe":
        this.subscriptions.delete(message.id);
        return this.#hub.updateWanted();
      case "follow":
        this.#following = rowTest(message.filter);
        return this.#hub.updateWanted();
      case "unfollow":
        this.#following = undefined;
        return this.#hub.updateWanted();
      default:
        void this.#answer(message);
    }
  }

  /** These actors have changed, or are gone. */
  touch(ids: readonly ActorId[]): void {
    if (this.#list !== undefined) {
      this.#list.touch(ids);
      // A window is made anew only so often: that looks at every row.
      if (this.#list.isWindow || this.#isBehind) this.#flushLater(5 * coalesceMs);
      else this.#flush();
    }
    this.#countsChanged = true;
  }

  tellRecords(records: readonly TransitionRecord[], dropped: number): void {
    const following = this.#following;
    if (following === undefined && this.subscriptions.size === 0) return;
    const mine = records.filter(({ id }) => {
      const row = this.#hub.get(id) ?? addressedRow(id);
      return (this.subscriptions.has(id) || following?.(row) === true) && this.#maySee(id, row);
    });
    if (this.#isBehind) {
      this.#dropped += mine.length + dropped;
      return;
    }
    this.#dropped += dropped;
    if (mine.length > 0 || dropped > 0) {
      this.#tellMachines(mine.map(({ id }) => this.#hub.get(id)?.machine));
      this.say({ type: "records", records: mine, dropped });
    }
  }

  tellIncidents(incidents: readonly IncidentRecord[], dropped: number): void {
    if (!this.#wantsIncidents && !this.follows) return;
    const mine = incidents.filter(({ id }) => this.#maySee(id, this.#hub.get(id)));
    if (this.#isBehind) this.#dropped += mine.length;
    else if (mine.length > 0 || dropped > 0) this.say({ type: "incidents", incidents: mine, dropped });
  }

  tellDetail(id: ActorId, detail: ActorDetail | null): void {
    if (!this.subscriptions.has(id) || this.#isBehind) return;
    if (detail !== null && this.#client.maySee(detail.row) === undefined) return;
    if (detail === null || !this.#maySee(id, detail.row)) return this.say({ type: "detail", id, detail: null });
    this.#tellMachines([detail.row.machine]);
    const children = detail.children.filter((child) => this.#maySee(child, this.#hub.get(child)));
    this.say({ type: "detail", id, detail: { ...detail, children } });
  }

  tellCounters(): void {
    this.say({ type: "counters", counters: this.#hub.counters(this.#dropped, this.#seen) });
  }

  /** Processes of which it may see anything; the others are nobody's business but the hub's. */
  tellProcesses(): void {
    const perSource = this.#perSource();
    const processes = this.#hub.processes().filter(({ name }) => perSource.has(name) || this.#maySeeNode(name))
      .map((each) => ({ ...each, actors: perSource.get(each.name) ?? 0 }));
    const text = JSON.stringify(processes);
    if (text === this.#toldProcesses) return;
    this.#toldProcesses = text;
    this.say({ type: "processes", processes });
  }

  #maySeeNode(name: string): boolean {
    return this.#client.maySee({ kind: "kubelet", node: name, name }) === true;
  }

  /** How many of each source's actors it may see. */
  #perSource(): Map<string, number> {
    const found = new Map<string, number>();
    this.#seen = 0;
    for (const { row, source } of this.#hub.held()) {
      if (this.#client.maySee(row) !== true) continue;
      this.#seen++;
      found.set(source, (found.get(source) ?? 0) + 1);
    }
    return found;
  }

  #watch(message: Extract<ClientMessage, { type: "watch" }>): void {
    this.#wantsCounts = message.counts ?? true;
    this.#wantsIncidents = message.incidents ?? true;
    const list = new WatchList(this.#hub, message, (row) => this.#maySee(row.id, row));
    this.#list = list;
    const { resume } = message;
    // Rows may have moved into a window without a change of their own: it is sent whole.
    const changed = resume === undefined || list.isWindow
      ? undefined
      : this.#hub.changedSince(resume.session, resume.sequence);
    if (changed === undefined) {
      this.#tellMachines([...this.#hub.all()].filter((row) => this.#maySee(row.id, row)).map(({ machine }) => machine));
      for (const piece of list.begin(this.#hub.clock.wallTime())) this.say(piece);
    } else {
      list.resume(changed);
      this.#flush(true);
    }
    this.#countsChanged = true;
    this.#countLater(0);
  }

  #subscribe(message: Extract<ClientMessage, { type: "subscribe" }>, patience = 20): void {
    const { id, after } = message;
    if (this.subscriptions.size >= subscriptionsAtMost) {
      const message = `Cannot subscribe to "${id}": this connection has ${subscriptionsAtMost} subscriptions`;
      return this.say({ type: "error", code: "tooMuch", message });
    }
    const row = this.#hub.get(id);
    const verdict = row === undefined ? false : this.#client.maySee(row);
    if (verdict === undefined && patience > 0) {
      const { clock } = this.#hub;
      clock.wakeAt(clock.now() + coalesceMs, () => this.#closed || this.#subscribe(message, patience - 1));
      return;
    }
    if (verdict !== true) return this.say({ type: "detail", id, detail: null });
    this.subscriptions.add(id);
    // A subscription of somebody else's is told of it too, once.
    this.#hub.wantAnew(id);
    if (after === undefined) return;
    void this.#hub.recent((each) => each === id).then((records) => {
      const missed = records.filter(({ sequence }) => sequence > after);
      if (missed.length > 0) this.say({ type: "records", records: missed, dropped: 0 });
    });
  }

  async #answer(message: Question): Promise<void> {
    const { request } = message;
    try {
      if (message.type !== "send") {
        const answer = await answerQuestion(this.#hub, message, (row) => this.#maySee(row.id, row));
        if (answer.type === "answer") this.#tellMachines(answer.records.map(({ id }) => this.#hub.get(id)?.machine));
        return this.say(answer);
      }
      if (!this.#hub.maySend(this.#client)) {
        const why = "it takes `up --inspect-send` and an administrator, who may do everything";
        return this.say({ type: "error", request, code: "forbidden", message: `Cannot send events: ${why}` });
      }
      if (!this.#maySee(message.id, this.#hub.get(message.id))) {
        throw new Error(`Cannot send "${message.event.type}": nobody is at "${message.id}"`);
      }
      await this.#hub.send(message.id, message.event);
      this.say({ type: "sent", request });
    } catch (error) {
      this.say({ type: "error", request, code: "unavailable", message: (error as Error).message });
    }
  }

  #flush(resumed = false): void {
    const changes = this.#list?.changes(this.#hub.clock.wallTime(), resumed);
    if (changes === undefined) return;
    this.#tellMachines(changes.added.map(({ machine }) => machine));
    this.say(changes);
  }

  #flushLater(delayMs: number): void {
    const { clock } = this.#hub;
    this.#later ??= clock.wakeAt(clock.now() + delayMs, () => {
      this.#later = undefined;
      if (this.#isBehind) this.#flushLater(delayMs);
      else this.#flush();
    });
  }

  #maySee(id: ActorId, row: Pick<ActorRow, "kind" | "namespace" | "name" | "node"> | undefined): boolean {
    const verdict = this.#client.maySee(row ?? addressedRow(id));
    // It is being found out: looked at again in a moment.
    if (verdict === undefined && this.#list !== undefined) {
      this.#list.touch([id]);
      this.#flushLater(coalesceMs);
    }
    return verdict === true;
  }

  /** Charts that the other side has not been told yet. */
  #tellMachines(keys: readonly (string | undefined)[]): void {
    const machines: [string, NonNullable<ReturnType<Hub["machines"]["get"]>>][] = [];
    for (const key of keys) {
      const chart = key === undefined || this.#machines.has(key) ? undefined : this.#hub.machines.get(key);
      if (key === undefined || chart === undefined) continue;
      this.#machines.add(key);
      machines.push([key, chart]);
    }
    if (machines.length > 0) this.say({ type: "machines", machines: Object.fromEntries(machines) });
  }

  /** Counters come every second, so that the other side knows that it is still heard; counts when they have changed. */
  #countLater(delayMs = countsEveryMs): void {
    const { clock } = this.#hub;
    this.#counts ??= clock.wakeAt(clock.now() + delayMs, () => {
      this.#counts = undefined;
      if (!this.#isBehind) {
        if (this.#countsChanged) {
          this.tellProcesses();
          if (this.#wantsCounts) this.say(this.#count());
        }
        this.#countsChanged = false;
        this.tellCounters();
      }
      this.#countLater();
    });
  }

  #count(): Extract<ServerMessage, { type: "counts" }> {
    const kinds: Record<string, Record<string, number>> = {};
    const nodes: Record<string, number> = {};
    const namespaces: Record<string, number> = {};
    const problems: Partial<Record<Problem, number>> = {};
    let total = 0;
    for (const row of this.#hub.all()) {
      if (this.#client.maySee(row) !== true) continue;
      total++;
      const states = kinds[row.kind] ??= {};
      const state = row.status === "down" ? "(down)" : row.states.join(" + ");
      states[state] = (states[state] ?? 0) + 1;
      nodes[row.node] = (nodes[row.node] ?? 0) + 1;
      if (row.namespace !== undefined) namespaces[row.namespace] = (namespaces[row.namespace] ?? 0) + 1;
      for (const problem of row.problems) problems[problem] = (problems[problem] ?? 0) + 1;
    }
    return { type: "counts", total, kinds, nodes, namespaces, problems };
  }
}
