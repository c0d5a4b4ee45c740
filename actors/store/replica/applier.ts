/** Applying what is committed, in order, each entry once; in pieces, so that a long log does not hold the loop. */
import { MalformedBytes } from "../../../machines/raft/bytes.ts";
import { entryAt } from "../../../machines/raft/log.ts";
import type { LogEntry } from "../../../machines/raft/message.ts";
import { typeOf } from "../../../machines/store/peer_message.ts";
import type { Outcome } from "../../../machines/store/requests.ts";
import { commandCarriedBy } from "./payloads.ts";
import type { Replica } from "./replica.ts";

/** What one piece may hold. */
const pieceEntries = 2_000;
const pieceBytes = 2 << 20;
/** Records of compacted history freed after each piece. */
const tidyBudget = 2_000;

export class Applier {
  #queue: LogEntry[] = [];
  #at = 0;
  #waiting = false;
  #stopped = false;

  constructor(readonly replica: Replica) {}

  add(from: number, to: number): void {
    const { log } = this.replica.context!;
    for (let index = from; index <= to; index++) this.#queue.push(entryAt(log, index)!);
    if (!this.#waiting) this.#applySome();
  }

  /** What waits is part of a snapshot that takes the place of the state. */
  clear(): void {
    this.#queue = [];
    this.#at = 0;
  }

  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #applySome(): void {
    this.#waiting = false;
    if (this.#stopped) return;
    const { replica } = this;
    const { hub, state } = replica.loaded;
    let entries = 0;
    let bytes = 0;
    try {
      while (this.#at < this.#queue.length && entries < pieceEntries && bytes < pieceBytes) {
        const entry = this.#queue[this.#at++]!;
        this.#apply(entry);
        entries++;
        bytes += entry.size;
      }
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
      const message = `Cannot apply entry ${this.#queue[this.#at - 1]!.index} of the log: ${error.message}`;
      this.stop();
      return replica.tell({ type: "member.failed", reason: "damaged", message });
    }
    hub.flush();
    state.tidy(tidyBudget);
    replica.afterApplying({ entries, bytes });
    if (this.#at === this.#queue.length) {
      this.clear();
    } else {
      this.#waiting = true;
      replica.options.clock.soon(() => this.#applySome());
    }
  }

  #apply(entry: LogEntry): void {
    const { replica } = this;
    const { state, hub } = replica.loaded;
    const { index, term } = entry;
    if (term > replica.applied.term) replica.writes.beginTerm(term);
    const type = typeOf(entry);
    if (type !== "command") {
      replica.applied = { index, term };
      replica.writes.applied(index, term, undefined, { type: "done", revision: state.revision });
      if (type === "configuration") replica.membershipApplied(entry);
      return;
    }
    const { command, tag } = commandCarriedBy(entry);
    // Watches have seen all that a compaction is about to drop.
    if (command.type === "compact") hub.flush();
    const outcome: Outcome = state.apply(command);
    replica.applied = { index, term };
    replica.leases.follow(command, outcome);
    replica.writes.applied(index, term, tag, outcome);
    if (command.type === "raiseAlarm" || command.type === "clearAlarm") replica.alarmsChanged();
    else if (command.type === "compareHashes") replica.hashes.take(command.check);
  }
}
