/**
 * Strict serializability by revision: the store numbers its writes, so the order to be explained is known. Every write
 * that was answered is where it says, every read saw exactly what was there at its revision, and no operation took
 * effect before it was called or after it was answered.
 */
import type { Answer, Call, Event, History, Operation, Record } from "../history.ts";
import { sayCall, sayEvent, sayRecord, type Violation } from "../story.ts";
import { isSameRecord, type Timeline } from "./timeline.ts";

export function judgeRevisions(history: History, timeline: Timeline): Violation[] {
  const violations: Violation[] = [];
  const causes = new Causes(history, timeline, violations);
  const known = new Known(history);
  for (const operation of history.operations) {
    const { call, answer, answered } = operation;
    const report = (rule: string, what: string, revision?: number) => {
      const place = (answered ?? operation.called).place;
      const told = `${sayCall(call)} (#${operation.id}) ${what}`;
      violations.push({ rule, what: told, keys: keysFor(call), place, ...(revision && { revision }) });
    };
    const revision = answer?.came === "done" || answer === undefined || !("revision" in answer)
      ? causes.revisionOf(operation)
      : answer.revision;
    if (revision === undefined) continue;
    if (revision > timeline.last && answer !== undefined && "revision" in answer) {
      report("no acknowledged write is lost", `was answered at ${revision}, but the history ends at ${timeline.last}`);
      continue;
    }
    const isWritten = answer === undefined || answer.came === "done" || answer.came === "unknown";
    const least = known.before(operation.called.place) + (isWritten ? 1 : 0);
    const isStale = "stale" in call && call.stale;
    const isOfPast = call.do === "list" && call.revision !== undefined;
    if (!isStale && !isOfPast && revision < least) {
      const what = isWritten
        ? `has revision ${revision}, but ${least - 1} was known before it was called`
        : `was served at ${revision}, but ${least} was known before it was called`;
      report("operations take effect between call and answer", what, revision);
    }
    if (isStale && !isOfPast) {
      const own = known.beforeAt(operation);
      if (revision < own) report("a member goes forward", `was served at ${revision}, after ${own}`, revision);
    }
    const wrong = wrongAt(timeline, call, answer, revision);
    if (wrong !== undefined) report("what is read is what was there", wrong, revision);
  }
  return violations;
}

function keysFor(call: Call): readonly string[] {
  if ("keys" in call) return call.keys;
  return "key" in call ? [call.key] : [];
}

/** Why an answer cannot be, given what was there at its revision. */
function wrongAt(timeline: Timeline, call: Call, answer: Answer | undefined, revision: number): string | undefined {
  if (answer?.came === "read") {
    const records = call.do === "get"
      ? [timeline.at(call.key, revision)].filter((record) => record !== undefined)
      : timeline.listAt((call as { prefix: string }).prefix, revision);
    return difference(answer.records, records, revision);
  }
  if (answer?.came === "conflict" && "key" in call) {
    const there = timeline.at(call.key, revision);
    if (!isSameRecord(answer.found, there)) {
      return `found ${sayRecord(answer.found)}, but at ${revision} there was ${sayRecord(there)}`;
    }
    if ((there?.mod ?? 0) === (call as { expected?: number }).expected) {
      return `was refused at ${revision}, though it asked for just what was there`;
    }
    return undefined;
  }
  if ("expected" in call && call.expected !== undefined) {
    const there = timeline.at(call.key, revision - 1);
    if ((there?.mod ?? 0) !== call.expected) {
      return `was done at ${revision}, although there was ${sayRecord(there)}`;
    }
  }
  return undefined;
}

function difference(seen: readonly Record[], there: readonly Record[], revision: number): string | undefined {
  for (let at = 0; at < Math.max(seen.length, there.length); at++) {
    if (isSameRecord(seen[at], there[at])) continue;
    return `saw ${sayRecord(seen[at])}, but at ${revision} there was ${sayRecord(there[at])}`;
  }
  return undefined;
}

/** Which operation made which revision. */
class Causes {
  readonly #revisions = new Map<number, number>();
  readonly #writers = new Map<string, Operation>();
  readonly #deletes = new Map<string, Operation[]>();
  readonly #claims = new Map<number, Operation>();

  constructor(history: History, readonly timeline: Timeline, readonly violations: Violation[]) {
    for (const operation of history.operations) {
      const { call, answer } = operation;
      if (call.do === "put" || call.do === "putBoth") this.#writers.set(call.value, operation);
      if (call.do === "delete") {
        const all = this.#deletes.get(call.key);
        if (all === undefined) this.#deletes.set(call.key, [operation]);
        else all.push(operation);
      }
      if (answer?.came !== "done" || answer.revision === 0) continue;
      const other = this.#claims.get(answer.revision);
      if (other !== undefined) {
        this.#report(answer.revision, `${sayCall(call)} and ${sayCall(other.call)} were both answered with it`);
      }
      this.#claims.set(answer.revision, operation);
    }
    for (let revision = 2; revision <= timeline.last; revision++) this.#explain(revision);
    for (const [revision, operation] of this.#claims) {
      if (revision > timeline.last || this.#revisions.get(operation.id) === revision) continue;
      const told = timeline.eventsAt(revision).map(sayEvent).join(", ");
      this.#report(revision, `${sayCall(operation.call)} (#${operation.id}) was answered with it, but it is ${told}`);
    }
  }

  /** Where an operation took effect; undefined: nowhere that is known. */
  revisionOf({ id, answer }: Operation): number | undefined {
    return answer?.came === "done" && answer.revision > 0 ? answer.revision : this.#revisions.get(id);
  }

  #explain(revision: number): void {
    const events = this.timeline.eventsAt(revision);
    const cause = this.#causeOf(events, revision);
    if (cause === "lease") return;
    if (cause === undefined) {
      return this.#report(revision, `nobody asked for ${events.map(sayEvent).join(", ")}`);
    }
    const before = this.#revisions.get(cause.id);
    if (before !== undefined) {
      this.#report(revision, `${sayCall(cause.call)} (#${cause.id}) was done at ${before} already`);
    }
    this.#revisions.set(cause.id, revision);
    if (cause.answer?.came === "refused" || cause.answer?.came === "conflict") {
      this.#report(revision, `${sayCall(cause.call)} (#${cause.id}) was done, but answered "${cause.answer.came}"`);
    }
    const keys = keysFor(cause.call).toSorted().join(" and ");
    const written = events.map(({ record }) => record.key).toSorted().join(" and ");
    if (keys !== written) this.#report(revision, `${sayCall(cause.call)} (#${cause.id}) has written ${written}`);
  }

  #causeOf(events: readonly Event[], revision: number): Operation | "lease" | undefined {
    const [{ type, record }] = events as [Event];
    if (type === "put") return this.#writers.get(record.value);
    const before = this.timeline.at(record.key, revision - 1);
    const fitting =
      this.#deletes.get(record.key)?.filter(({ call, answer }) =>
        (call as { expected: number }).expected === before?.mod &&
        (answer === undefined || answer.came === "unknown" || (answer.came === "done" && answer.revision === revision))
      ) ?? [];
    const cause = fitting.find(({ answer }) => answer?.came === "done") ?? fitting[0];
    return cause ?? (before !== undefined && before.lease !== 0 ? "lease" : undefined);
  }

  #report(revision: number, what: string): void {
    const keys = this.timeline.eventsAt(revision).map(({ record }) => record.key);
    const rule = "a revision is one write that was asked for";
    this.violations.push({ rule, what: `revision ${revision}: ${what}`, keys, revision });
  }
}

/** The highest revision that anybody had been told of, by place in the history. */
class Known {
  readonly #all: Rising;
  readonly #ofMembers = new Map<string, Rising>();

  constructor(history: History) {
    const seen: { place: number; revision: number; member: string }[] = [];
    for (const { answer, answered, member, life } of history.operations) {
      if (answer === undefined || !("revision" in answer) || answered === undefined) continue;
      seen.push({ place: answered.place, revision: answer.revision, member: `${member}.${life}` });
    }
    for (const { said, member, life } of history.watches) {
      for (const part of said) {
        if (part.type === "closed") continue;
        // Only what it told: a revision that is none would be found by others.
        const revision = part.type === "progress" ? part.revision : Math.max(...part.events.map((e) => e.record.mod));
        seen.push({ place: part.at.place, revision, member: `${member}.${life}` });
      }
    }
    seen.sort((a, b) => a.place - b.place);
    this.#all = new Rising(seen);
    for (const [member, own] of Map.groupBy(seen, ({ member }) => member)) this.#ofMembers.set(member, new Rising(own));
  }

  before(place: number): number {
    return this.#all.before(place);
  }

  /** What this very process of the member had told. */
  beforeAt({ member, life, called }: Operation): number {
    return this.#ofMembers.get(`${member}.${life}`)?.before(called.place) ?? 0;
  }
}

class Rising {
  readonly #places: number[] = [];
  readonly #most: number[] = [];

  constructor(seen: readonly { readonly place: number; readonly revision: number }[]) {
    for (const { place, revision } of seen) {
      this.#places.push(place);
      this.#most.push(Math.max(revision, this.#most.at(-1) ?? 0));
    }
  }

  before(place: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#places[middle]! < place) low = middle + 1;
      else high = middle;
    }
    return this.#most[low - 1] ?? 1;
  }
}
