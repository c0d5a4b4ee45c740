/**
 * Writes of one member until they are applied. A leader proposes what waits, a batch at a time; a follower hands it to
 * the leader, and knows its own by their tags when it applies them.
 *
 * A write is tried again only when it is known not to be in the log: an entry of a later term has been applied, so no
 * entry that a leader of the earlier term has made can come any more. What is still open at its deadline is answered
 * with "not known".
 */
import type { MembershipChange } from "../../../machines/raft/membership.ts";
import type { MemberRecord } from "../../../machines/raft/roster.ts";
import type { OrderParams } from "../../../machines/raft/turn.ts";
import type { Command, CommandTag } from "../../../machines/store/command.ts";
import { encodeCommand } from "../../../machines/store/command_codec.ts";
import type { Outcome, Refusal } from "../../../machines/store/requests.ts";
import type { Wake } from "../../../ports/clock.ts";
import { weigh } from "../proposal_queue.ts";
import { carryCommand, carryPayload } from "./payloads.ts";
import type { Replica } from "./replica.ts";

/** Something that waits for its place in the log. */
interface Pending {
  readonly command?: Command;
  /** By another member, and tagged by it; taken only in the term it was meant for. */
  readonly forwarded?: { readonly payload: Uint8Array; readonly term: number };
  readonly change?: {
    readonly change: MembershipChange;
    readonly record: MemberRecord | undefined;
    /** Nothing was written. */
    readonly refuse: (why: string) => void;
  };
  readonly bytes: number;
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
  /** What only this member as leader of this term may decide: by another one, or later, it is refused. */
  readonly onlyIn?: number;
  /** Of the leader that was to write it. */
  term: number;
}

/** What one batch may hold: more would make the applying of it hold the loop for long. */
const batchLimits = { entries: 1_024, bytes: 1 << 20 };
/** Batches that a follower has on their way to the leader. */
const maxForwarding = 4;
const retryMs = 20;
const sweepMs = 250;

export class Writes {
  /** Drawn anew with each life: tags of an earlier one are not taken for own. */
  readonly #origin: number;
  #waiting: Pending[] = [];
  /** The log's chart is about to be told of them; what comes until it takes them is put along. */
  #proposing: Pending[] = [];
  /** Of those, in the fact that waits for its turn; undefined: nothing can be put along. */
  #sizes: number[] | undefined;
  #sizesBytes = 0;
  /** By index. */
  #proposed = new Map<number, Pending>();
  /** By call. */
  #forwarded = new Map<number, Pending>();
  #bytes = 0;
  /** Something that waits may have to be refused when the leader has changed. */
  #mayBeOvertaken = false;
  #calls = 0;
  #forwarding = 0;
  #sweep: Wake | undefined;
  #retry: Wake | undefined;
  /** Batches of others that were taken in this term, so that a doubled message is taken once. */
  #taken = { term: 0, calls: new Set<string>() };

  constructor(readonly replica: Replica) {
    this.#origin = replica.options.random.bytes(6).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  get size(): number {
    return this.#waiting.length + this.#proposing.length + this.#proposed.size + this.#forwarded.size;
  }

  /**
   * `evenRefused`: also while requests are refused, as long as the member takes part in the log. `onlyIn`: the term in
   * which it may be written, by this member.
   */
  submit(
    command: Command,
    settle: (outcome: Outcome) => void,
    { evenRefused = false, onlyIn }: { readonly evenRefused?: boolean; readonly onlyIn?: number } = {},
  ): void {
    const { refusal, options, isOpen } = this.replica;
    if (refusal !== undefined && !(evenRefused && isOpen)) return settle({ type: "refused", refusal });
    if (this.size >= options.queue.proposals || this.#bytes >= options.queue.bytes) {
      const message = `Cannot take the request: ${this.size} others wait to be written`;
      return settle({ type: "refused", refusal: { code: "tooManyRequests", message } });
    }
    this.#push({ command, bytes: weigh(command), settle, ...(onlyIn !== undefined && { onlyIn }) });
    this.pump();
  }

  submitChange(change: MembershipChange, record: MemberRecord | undefined): Promise<{ refusal: string } | undefined> {
    return new Promise((resolve) => {
      this.#push({
        change: { change, record, refuse: (refusal) => resolve({ refusal }) },
        bytes: 256,
        settle: (outcome) => resolve(outcome.type === "refused" ? { refusal: "notKnown" } : undefined),
      });
      this.pump();
    });
  }

  /**
   * A batch of another member. What is taken and then not written needs no answer: that member sees it from the first
   * entry of a later term.
   *
   * @returns why nothing of it is taken.
   */
  takeForwarded(
    from: string,
    { term, origin, call }: { term: number; origin: number; call: number },
    payloads: readonly Uint8Array[],
  ): string | undefined {
    const { replica } = this;
    if (!replica.isLeader || replica.context?.term !== term) return "notLeader";
    if (this.#taken.term !== term) this.#taken = { term, calls: new Set() };
    const mark = `${from} ${origin} ${call}`;
    if (this.#taken.calls.has(mark)) return undefined;
    if (this.size >= replica.options.queue.proposals || this.#bytes >= replica.options.queue.bytes) {
      return "tooManyRequests";
    }
    this.#taken.calls.add(mark);
    for (const payload of payloads) {
      this.#push({ forwarded: { payload, term }, bytes: payload.length, settle: () => {} });
    }
    this.pump();
    return undefined;
  }

  /** Hands on what waits, if it can be. */
  pump(): void {
    const { replica } = this;
    const { context } = replica;
    if (this.#waiting.length === 0 || context === undefined) return;
    this.#refuseOvertaken(replica.isLeader ? context.term : 0);
    if (replica.isLeader) {
      if (replica.disk.isIdle && this.#proposing.length === 0) this.#propose(context.term);
    } else if (context.leader !== "") {
      while (this.#forwarding < maxForwarding && this.#waiting.length > 0) {
        if (!this.#forward(context.leader, context.term)) break;
      }
    }
  }

  // Answers of the log's chart, in the step of the proposal.

  accept({ first, count, term }: OrderParams<"acceptProposals">): void {
    const batch = this.#takeProposing();
    if (batch.length !== count) throw new Error(`Cannot place ${batch.length} proposals: ${count} were accepted`);
    for (const [at, pending] of batch.entries()) {
      const index = first + at;
      const entry = this.replica.entry(index)!;
      pending.term = term;
      if (pending.change !== undefined) {
        carryPayload(entry, this.replica.roster.payloadFor(entry, pending.change.record));
      } else if (pending.forwarded !== undefined) {
        carryPayload(entry, pending.forwarded.payload);
      } else carryCommand(entry, pending.command!);
      if (pending.forwarded === undefined) this.#proposed.set(index, pending);
      else this.#bytes -= pending.bytes;
    }
  }

  refuse({ why }: OrderParams<"refuseProposals">): void {
    const batch = this.#takeProposing();
    const { change } = batch[0] ?? {};
    if (change !== undefined) {
      this.#bytes -= batch[0]!.bytes;
      return change.refuse(why);
    }
    this.#again(batch);
    this.#pumpLater();
  }

  // What is applied tells what has become of a write.

  /** The first entry of a later term is about to be applied. */
  beginTerm(term: number): void {
    const over = [...this.#proposed].filter(([, pending]) => pending.term < term);
    const lost = [...this.#forwarded].filter(([, pending]) => pending.term < term);
    for (const [index] of over) this.#proposed.delete(index);
    for (const [call] of lost) this.#forwarded.delete(call);
    this.#again([...over, ...lost].map(([, pending]) => pending));
    if (over.length + lost.length > 0) this.#pumpLater();
  }

  applied(index: number, term: number, tag: CommandTag | undefined, outcome: Outcome): void {
    const own = this.#proposed.get(index);
    if (own !== undefined && own.term === term) {
      this.#proposed.delete(index);
      this.#settle(own, outcome);
    } else if (tag !== undefined && tag.origin === this.#origin) {
      const forwarded = this.#forwarded.get(tag.call);
      if (forwarded === undefined) return;
      this.#forwarded.delete(tag.call);
      this.#settle(forwarded, outcome);
    }
  }

  /** A snapshot has taken the place of entries: what was among them has happened or not. */
  skipped(index: number, term: number): void {
    for (const [at, pending] of [...this.#proposed]) if (at <= index) this.#notKnown(this.#proposed, at, pending);
    for (const [call, pending] of [...this.#forwarded]) {
      if (pending.term <= term) this.#notKnown(this.#forwarded, call, pending);
    }
  }

  /** Nobody waits any more. */
  refuseAll(refusal: Refusal): void {
    const known = [...this.#waiting, ...this.#proposing];
    const unknown = [...this.#proposed.values(), ...this.#forwarded.values()];
    this.#waiting = [];
    this.#takeProposing();
    this.#proposed.clear();
    this.#forwarded.clear();
    this.#sweep?.cancel();
    this.#sweep = undefined;
    this.#retry?.cancel();
    const message = `${refusal.message}; whether the write was made is not known`;
    for (const pending of unknown) this.#settle(pending, { type: "refused", refusal: { ...refusal, message } });
    for (const pending of known) this.#refuse(pending, refusal);
  }

  #push(pending: Omit<Pending, "deadline" | "term">): void {
    const { clock } = this.replica.options;
    this.#bytes += pending.bytes;
    this.#mayBeOvertaken ||= pending.onlyIn !== undefined;
    const added = { ...pending, deadline: clock.now() + this.replica.options.requestTimeoutMs, term: 0 };
    const isAlong = this.#sizes !== undefined && this.#waiting.length === 0 && pending.change === undefined &&
      this.#sizes.length < batchLimits.entries && this.#sizesBytes < batchLimits.bytes;
    if (isAlong) {
      this.#sizes!.push(pending.bytes);
      this.#sizesBytes += pending.bytes;
      this.#proposing.push(added);
    } else this.#waiting.push(added);
    this.#sweep ??= clock.wakeAt(clock.now() + sweepMs, () => this.#sweepLate());
  }

  /** Back to the front, in the order they were in. */
  #again(batch: readonly Pending[]): void {
    this.#mayBeOvertaken ||= batch.some(({ onlyIn }) => onlyIn !== undefined);
    this.#waiting = [...batch, ...this.#waiting];
  }

  #settle(pending: Pending, outcome: Outcome): void {
    this.#bytes -= pending.bytes;
    pending.settle(outcome);
  }

  /** Nothing of it was written. */
  #refuse(pending: Pending, refusal: Refusal): void {
    this.#bytes -= pending.bytes;
    if (pending.change !== undefined) pending.change.refuse(refusal.code === "closed" ? "closed" : "noLeader");
    else pending.settle({ type: "refused", refusal });
  }

  /** What only the leader of another term may write. */
  #refuseOvertaken(term: number): void {
    if (!this.#mayBeOvertaken) return;
    const over = this.#waiting.filter(({ onlyIn = term }) => onlyIn !== term);
    this.#waiting = this.#waiting.filter(({ onlyIn = term }) => onlyIn === term);
    this.#mayBeOvertaken = this.#waiting.some(({ onlyIn }) => onlyIn !== undefined);
    const message = "Cannot write: this member does not lead any more";
    for (const pending of over) this.#refuse(pending, { code: "unavailable", message });
  }

  #takeBatch(): Pending[] {
    let count = 0;
    let bytes = 0;
    const waiting = this.#waiting;
    while (count < waiting.length && count < batchLimits.entries && bytes < batchLimits.bytes) {
      // A change of the members goes alone.
      if (waiting[count]!.change !== undefined && count > 0) break;
      bytes += waiting[count++]!.bytes;
      if (waiting[count - 1]!.change !== undefined) break;
    }
    return waiting.splice(0, count);
  }

  #propose(term: number): void {
    const { raft } = this.replica;
    const batch = this.#takeBatch().filter((pending) => {
      if (pending.forwarded === undefined || pending.forwarded.term === term) return true;
      this.#bytes -= pending.bytes;
      return false;
    });
    if (batch.length === 0) return this.pump();
    this.#proposing = batch;
    const { change, bytes } = batch[0]!;
    if (change !== undefined) raft?.send({ type: "change.proposed", change: change.change, size: bytes });
    else {
      this.#sizes = batch.map((pending) => pending.bytes);
      this.#sizesBytes = this.#sizes.reduce((sum, size) => sum + size, 0);
      raft?.send({ type: "proposal.made", sizes: this.#sizes });
    }
  }

  #takeProposing(): Pending[] {
    const batch = this.#proposing;
    this.#proposing = [];
    this.#sizes = undefined;
    return batch;
  }

  /** @returns whether anything was sent. */
  #forward(leader: string, term: number): boolean {
    // A follower hands on what is its own; the rest was handed to it while it led.
    for (const pending of this.#waiting.filter((each) => each.command === undefined)) {
      this.#bytes -= pending.bytes;
      pending.change?.refuse("notLeader");
    }
    this.#waiting = this.#waiting.filter((each) => each.command !== undefined);
    const batch = this.#takeBatch();
    if (batch.length === 0) return false;
    const calls = batch.map((pending) => {
      const call = ++this.#calls;
      pending.term = term;
      this.#forwarded.set(call, pending);
      return call;
    });
    const payloads = batch.map(({ command }, at) =>
      encodeCommand(command!, { origin: this.#origin, call: calls[at]! })
    );
    this.#forwarding++;
    this.replica.link.call(leader, "propose", { term, origin: this.#origin, call: calls[0]! }, payloads).then(
      (reply) => {
        this.#forwarding--;
        const { refused } = (reply?.head ?? {}) as { refused?: string };
        if (refused !== undefined) {
          // The leader has taken none of them.
          const back = calls.filter((call) => this.#forwarded.has(call));
          this.#again(back.map((call) => this.#forwarded.get(call)!));
          for (const call of back) this.#forwarded.delete(call);
          this.#pumpLater();
        } else this.pump();
      },
    );
    return true;
  }

  #pumpLater(): void {
    const { clock } = this.replica.options;
    this.#retry?.cancel();
    this.#retry = clock.wakeAt(clock.now() + retryMs, () => {
      this.#retry = undefined;
      this.pump();
    });
  }

  #notKnown(from: Map<number, Pending>, key: number, pending: Pending): void {
    from.delete(key);
    const message = "Cannot write: no answer has come in time; whether the write was made is not known";
    this.#settle(pending, { type: "refused", refusal: { code: "unavailable", message } });
  }

  #sweepLate(): void {
    const { clock } = this.replica.options;
    const now = clock.now();
    const late = this.#waiting.filter(({ deadline }) => deadline <= now);
    if (late.length > 0) {
      this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now);
      const { leader = "" } = this.replica.context ?? {};
      const why = leader === "" ? "there is no leader" : `leader ${leader} does not take it`;
      for (const each of late) this.#refuse(each, { code: "unavailable", message: `Cannot write: ${why}` });
    }
    for (const map of [this.#proposed, this.#forwarded]) {
      for (const [key, pending] of [...map]) {
        if (pending.deadline > now) break; // Both are, nearly, in order of time.
        this.#notKnown(map, key, pending);
      }
    }
    this.#sweep = this.size === 0 ? undefined : clock.wakeAt(now + sweepMs, () => this.#sweepLate());
  }
}
