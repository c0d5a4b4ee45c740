/**
 * The promises of watches, each looked at by itself: ordered, unique, reliable, atomic, resumable, bookmarkable; and
 * that each tells of its own keys alone, and what was there before.
 */
import { type Event, type History, isInRange, type Operation, type Said, type Watch } from "../history.ts";
import { sayEvent, sayRecord, sayWatch, type Violation } from "../story.ts";
import { isSameRecord, type Timeline } from "./timeline.ts";

type Events = Extract<Said, { type: "events" }>;

/** @param endsAt every watch that was not over had to tell everything up to this revision. */
export function judgeWatches(history: History, timeline: Timeline, endsAt?: number): Violation[] {
  const compactions = history.operations.filter(({ call }) => call.do === "compact");
  return history.watches.flatMap((watch) => new WatchJudge(watch, timeline, compactions).judge(endsAt));
}

class WatchJudge {
  readonly #violations: Violation[] = [];

  constructor(readonly watch: Watch, readonly timeline: Timeline, readonly compactions: readonly Operation[]) {}

  judge(endsAt: number | undefined): Violation[] {
    /** Everything up to here was told. */
    let told = this.watch.start - 1;
    const seen = new Set<string>();
    for (const said of this.watch.said) {
      if (said.type === "closed") {
        this.#ending(said, told);
        break;
      }
      if (said.type === "progress") {
        if (said.revision < told) this.#report("ordered", `says ${said.revision} after ${told}`, said);
        this.#nothingLeftOut(told, said.revision, said, "bookmarkable", new Set());
        if (said.revision < this.watch.start - 1) {
          this.#report("bookmarkable", `says ${said.revision}, before its beginning`, said);
        }
      } else {
        this.#each(said, told, seen);
        this.#nothingLeftOut(told, said.revision, said, "reliable", namesOf(said.events));
      }
      told = Math.max(told, said.revision);
    }
    const isOver = this.watch.cancelled !== undefined || this.watch.said.at(-1)?.type === "closed";
    if (endsAt !== undefined && !isOver && told < endsAt) {
      this.#report(
        "reliable",
        `has told all up to ${told}, and goes no further than that, though ${endsAt} was written`,
      );
    }
    return this.#violations;
  }

  #each(said: Events, told: number, seen: Set<string>): void {
    const { watch, timeline } = this;
    let last = 0;
    for (const event of said.events) {
      const { key, mod } = event.record;
      const name = `${mod} ${key}`;
      if (!isInRange(key, watch.key, watch.end)) this.#report("filtered", `tells of ${sayEvent(event)}`, said, event);
      if (mod < watch.start) this.#report("resumable", `tells ${sayEvent(event)}, before its beginning`, said, event);
      if (seen.has(name)) this.#report("unique", `tells ${sayEvent(event)} twice`, said, event);
      else if (mod <= told && mod >= watch.start) {
        const rule = timeline.eventsAt(mod).length > 1 && mod === told ? "atomic" : "ordered";
        this.#report(rule, `tells ${sayEvent(event)} after it had told all up to ${told}`, said, event);
      }
      if (mod < last) this.#report("ordered", `tells ${sayEvent(event)} after one of ${last}`, said, event);
      if (mod > said.revision) {
        this.#report("bookmarkable", `tells ${sayEvent(event)} in a batch up to ${said.revision}`, said, event);
      }
      seen.add(name);
      last = Math.max(last, mod);
      this.#content(event, said);
    }
  }

  #content(event: Event, said: Events): void {
    const { key, mod } = event.record;
    const known = this.timeline.eventAt(mod, key);
    if (known === undefined) {
      if (mod <= this.timeline.last) {
        this.#report("reliable", `tells ${sayEvent(event)}, which nobody wrote`, said, event);
      }
      return;
    }
    if (known.type !== event.type || !isSameRecord(known.record, event.record)) {
      this.#report("true", `tells ${sayEvent(event)}, but it was ${sayEvent(known)}`, said, event);
    }
    const before = this.timeline.at(key, mod - 1);
    const isCompacted = this.#compactedBefore(said.at.place) >= mod;
    if (event.previous === undefined) {
      if (this.watch.previous && before !== undefined && !isCompacted) {
        this.#report(
          "right about what was before",
          `tells ${sayEvent(event)} without ${sayRecord(before)} before it`,
          said,
          event,
        );
      }
    } else if (!this.watch.previous) {
      this.#report(
        "right about what was before",
        `tells what was before ${sayEvent(event)} without being asked`,
        said,
        event,
      );
    } else if (!isSameRecord(event.previous, before)) {
      const what = `tells ${sayRecord(event.previous)} before ${sayEvent(event)}, but it was ${sayRecord(before)}`;
      this.#report("right about what was before", what, said, event);
    }
  }

  /** All events of the watch's keys after `from`, up to `to`, are in this very batch. */
  #nothingLeftOut(from: number, to: number, said: Said, rule: string, names: ReadonlySet<string>): void {
    for (let revision = Math.max(2, from + 1); revision <= Math.min(to, this.timeline.last); revision++) {
      const events = this.timeline.eventsAt(revision);
      const own = events.filter(({ record }) => isInRange(record.key, this.watch.key, this.watch.end));
      const missing = own.filter(({ record }) => !names.has(`${record.mod} ${record.key}`));
      if (missing.length === 0) continue;
      const isSplit = missing.length < own.length;
      const what = `tells nothing of ${missing.map(sayEvent).join(", ")}, and says that it has told all up to ${to}`;
      this.#report(isSplit ? "atomic" : rule, what, said, missing[0]);
    }
  }

  #ending(said: Said & { type: "closed" }, told: number): void {
    if (said.code === "compacted" && this.#compactedBefore(said.at.place) <= told + 1) {
      this.#report("resumable", `is over as compacted, though nothing after ${told} was`, said);
    }
  }

  /** The highest revision at which a compaction was asked for by then. */
  #compactedBefore(place: number): number {
    let most = 0;
    for (const { call, called, answer } of this.compactions) {
      if (called.place > place || answer?.came === "refused" || call.do !== "compact") continue;
      most = Math.max(most, call.revision);
    }
    return most;
  }

  #report(rule: string, what: string, said?: Said, event?: Event): void {
    const { watch } = this;
    const place = (said?.at ?? watch.opened).place;
    const about = event === undefined ? {} : { keys: [event.record.key], revision: event.record.mod };
    this.#violations.push({
      rule: `watches are ${rule}`,
      what: `${sayWatch(watch)} of ${watch.client} at ${watch.member}.${watch.life} ${what}`,
      place,
      ...about,
    });
  }
}

function namesOf(events: readonly Event[]): Set<string> {
  return new Set(events.map(({ record }) => `${record.mod} ${record.key}`));
}
