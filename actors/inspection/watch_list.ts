/** The list of actors that one connection has: its filter, what it was sent, and what it still has to be sent. */
import type { ActorFilter, ActorId, ActorRow, Json, RowChange, ServerMessage, SortBy } from "../../ports/inspection.ts";
import { compareBy, type RowTest, rowTest } from "./actor_filter.ts";

/** All rows, as the hub holds them. */
export interface Rows {
  readonly sequence: number;
  get(id: ActorId): ActorRow | undefined;
  all(): Iterable<ActorRow>;
  readonly size: number;
}

export interface WatchWish {
  readonly filter?: ActorFilter;
  readonly sort?: SortBy;
  readonly offset?: number;
  readonly limit?: number;
}

type Changes = Extract<ServerMessage, { type: "changes" }>;
type Actors = Extract<ServerMessage, { type: "actors" }>;

/** Rows of the first list go in messages of so many. */
const piece = 500;

export class WatchList {
  readonly #rows: Rows;
  readonly #visible: RowTest;
  readonly #matches: RowTest;
  readonly #wish: WatchWish;
  /** What the other side has. */
  #known = new Map<ActorId, ActorRow>();
  #pending = new Set<ActorId>();
  #matching = new Set<ActorId>();
  #order: ActorId[] = [];
  /** All that may be seen, whatever the filter. */
  #seen = new Set<ActorId>();

  constructor(rows: Rows, wish: WatchWish, visible: RowTest) {
    this.#rows = rows;
    this.#wish = wish;
    this.#visible = visible;
    this.#matches = rowTest(wish.filter);
  }

  get isWindow(): boolean {
    return this.#wish.limit !== undefined;
  }

  /** Whether something waits to be told. */
  get waits(): boolean {
    return this.#pending.size > 0;
  }

  /** These rows have changed, or are gone. */
  touch(ids: Iterable<ActorId>): void {
    for (const id of ids) this.#pending.add(id);
  }

  /** The whole list, in pieces. */
  *begin(wallTime: number): Generator<Actors> {
    this.#known.clear();
    this.#pending.clear();
    const { offset = 0 } = this.#wish;
    const { rows, matched, total } = this.#select();
    this.#order = rows.map(({ id }) => id);
    for (const row of rows) this.#known.set(row.id, row);
    const { sequence } = this.#rows;
    for (let at = 0; at === 0 || at < rows.length; at += piece) {
      yield {
        type: "actors",
        sequence,
        wallTime,
        rows: rows.slice(at, at + piece),
        offset: offset + at,
        matched,
        total,
        first: at === 0,
        last: at + piece >= rows.length,
      };
    }
  }

  /** Takes up where another connection ended: the other side has every row as it was before `changed`. */
  resume(changed: Iterable<ActorId>): void {
    const { rows } = this.#select();
    this.#order = rows.map(({ id }) => id);
    this.#pending = new Set(changed);
    for (const row of rows) this.#known.set(row.id, row);
    // What it had of these is not known: they are sent whole.
    for (const id of this.#pending) this.#known.delete(id);
  }

  /** What has changed since the last time; undefined: nothing that is seen here. `resumed`: tell of all that is gone. */
  changes(wallTime: number, resumed = false): Changes | undefined {
    const pending = this.#pending;
    this.#pending = new Set();
    for (const id of pending) this.#note(id);
    const members = this.isWindow ? this.#window(pending) : undefined;
    const added: ActorRow[] = [];
    const changed: RowChange[] = [];
    const removed: ActorId[] = [];
    for (const id of members?.touched ?? pending) {
      const row = (members === undefined ? this.#matching.has(id) : members.ids.has(id))
        ? this.#rows.get(id)
        : undefined;
      const known = this.#known.get(id);
      if (row === undefined) {
        if (this.#known.delete(id) || resumed) removed.push(id);
      } else {
        this.#known.set(id, row);
        if (known === undefined) added.push(row);
        else {
          const change = difference(known, row);
          if (change !== undefined) changed.push(change);
        }
      }
    }
    const order = members?.order;
    if (added.length + changed.length + removed.length === 0 && order === undefined) return undefined;
    return {
      type: "changes",
      sequence: this.#rows.sequence,
      wallTime,
      matched: this.#matching.size,
      total: this.#seen.size,
      added,
      changed,
      removed,
      ...(order === undefined ? {} : { order }),
    };
  }

  #note(id: ActorId): void {
    const row = this.#rows.get(id);
    const visible = row !== undefined && this.#visible(row);
    if (visible) this.#seen.add(id);
    else this.#seen.delete(id);
    if (visible && this.#matches(row)) this.#matching.add(id);
    else this.#matching.delete(id);
  }

  #select(): { rows: readonly ActorRow[]; matched: number; total: number } {
    const matching: ActorRow[] = [];
    this.#matching.clear();
    this.#seen.clear();
    for (const row of this.#rows.all()) {
      if (!this.#visible(row)) continue;
      this.#seen.add(row.id);
      if (!this.#matches(row)) continue;
      matching.push(row);
      this.#matching.add(row.id);
    }
    return { rows: this.#cut(matching), matched: matching.length, total: this.#seen.size };
  }

  #cut(matching: ActorRow[]): readonly ActorRow[] {
    const { sort = "id", offset = 0, limit } = this.#wish;
    matching.sort(compareBy(sort));
    return limit === undefined ? matching : matching.slice(offset, offset + limit);
  }

  /** The window anew: who is in it, and whom that concerns. */
  #window(pending: ReadonlySet<ActorId>): {
    readonly ids: ReadonlySet<ActorId>;
    readonly touched: Iterable<ActorId>;
    readonly order?: readonly ActorId[];
  } {
    const rows = [...this.#matching].map((id) => this.#rows.get(id)).filter((row) => row !== undefined);
    const order = this.#cut(rows).map(({ id }) => id);
    const ids = new Set(order);
    const touched = new Set([...order, ...this.#known.keys()].filter((id) => pending.has(id) || !this.#known.has(id)));
    for (const id of this.#known.keys()) if (!ids.has(id)) touched.add(id);
    const moved = order.length !== this.#order.length || order.some((id, index) => this.#order[index] !== id);
    this.#order = order;
    return { ids, touched, ...(moved ? { order } : {}) };
  }
}

/** Fields that are other than before. */
export function difference(before: ActorRow, after: ActorRow): RowChange | undefined {
  if (before === after) return undefined;
  const was = before as unknown as Readonly<Record<string, Json | undefined>>;
  const is = after as unknown as Readonly<Record<string, Json | undefined>>;
  const change: Record<string, Json> = {};
  let differs = false;
  for (const field of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (isSame(was[field], is[field])) continue;
    change[field] = is[field] ?? null;
    differs = true;
  }
  return differs ? { id: after.id, ...change } as RowChange : undefined;
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  return JSON.stringify(one) === JSON.stringify(other);
}
