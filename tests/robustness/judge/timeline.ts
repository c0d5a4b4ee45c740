/**
 * What really happened, by revision: put together from the watches of everything. Each revision is checked against the
 * ones before it, so that what is wrong here was told wrongly by somebody.
 */
import { type Event, type History, type Record, root, rootEnd } from "../history.ts";
import { sayEvent, sayRecord, type Violation } from "../story.ts";

export class Timeline {
  readonly violations: Violation[] = [];
  /** The last revision that is known, with all before it. */
  readonly last: number;
  readonly #events = new Map<number, Map<string, Event>>();
  /** Of each key, rising. */
  readonly #records = new Map<string, Record[]>();

  #keys: readonly string[] | undefined;

  constructor(history: History) {
    for (const watch of history.watches) {
      if (watch.key !== root || watch.end !== rootEnd) continue;
      for (const said of watch.said) {
        if (said.type === "events") { for (const event of said.events) this.#take(event, said.at.place); }
      }
    }
    let last = 1;
    while (this.#events.has(last + 1)) last++;
    this.last = last;
    for (let revision = 2; revision <= last; revision++) this.#add(revision);
    const later = [...this.#events.keys()].filter((revision) => revision > last);
    if (later.length > 0) {
      this.violations.push({
        rule: "reliable",
        what: `nobody was told of revision ${last + 1}, though ${Math.max(...later)} came after it`,
        revision: last + 1,
      });
    }
  }

  eventsAt(revision: number): readonly Event[] {
    return [...this.#events.get(revision)?.values() ?? []];
  }

  eventAt(revision: number, key: string): Event | undefined {
    return this.#events.get(revision)?.get(key);
  }

  get keys(): readonly string[] {
    return this.#keys ??= [...this.#records.keys()].sort();
  }

  /** The live record of a key as of a revision. */
  at(key: string, revision: number): Record | undefined {
    const records = this.#records.get(key) ?? [];
    let [low, high] = [0, records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (records[middle]!.mod <= revision) low = middle + 1;
      else high = middle;
    }
    const record = records[low - 1];
    return record?.version === 0 ? undefined : record;
  }

  /** All live records below a prefix as of a revision, in order. */
  listAt(prefix: string, revision: number): Record[] {
    return this.keys.filter((key) => key.startsWith(prefix)).map((key) => this.at(key, revision)).filter((record) =>
      record !== undefined
    );
  }

  #take(event: Event, place: number): void {
    const { key, mod } = event.record;
    let events = this.#events.get(mod);
    if (events === undefined) this.#events.set(mod, events = new Map());
    const known = events.get(key);
    if (known === undefined) events.set(key, event);
    else if (!isSameRecord(known.record, event.record) || known.type !== event.type) {
      const what = `of revision ${mod} it is told once "${sayEvent(known)}" and once "${sayEvent(event)}"`;
      this.violations.push({ rule: "one history", what, keys: [key], revision: mod, place });
    }
  }

  #add(revision: number): void {
    for (const { type, record } of this.eventsAt(revision)) {
      const before = this.at(record.key, revision - 1);
      const expected: Record = type === "delete"
        ? { key: record.key, value: "", create: 0, mod: revision, version: 0, lease: 0 }
        : { ...record, create: before?.create ?? revision, mod: revision, version: (before?.version ?? 0) + 1 };
      if (!isSameRecord(record, expected)) {
        const what = `${sayRecord(record)} follows ${sayRecord(before)}`;
        this.violations.push({ rule: "records go on from those before", what, keys: [record.key], revision });
      }
      if (type === "delete" && before === undefined) {
        const what = `${record.key} is deleted at ${revision} and was not there`;
        this.violations.push({ rule: "records go on from those before", what, keys: [record.key], revision });
      }
      const records = this.#records.get(record.key);
      if (records === undefined) this.#records.set(record.key, [record]);
      else records.push(record);
    }
  }
}

export function isSameRecord(a: Record | undefined, b: Record | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.key === b.key && a.value === b.value && a.create === b.create && a.mod === b.mod &&
    a.version === b.version && a.lease === b.lease;
}
