/**
 * How fast three members decide, in one process and without disks or wires: proposals in, committed everywhere out.
 * What is measured is the machine; what it costs beside a sync is what matters.
 *
 *     deno run -A bench/raft_machine_bench.ts
 */
import type { SnapshotFrom } from "xstate";
import { raftMachine } from "../machines/raft/raft_machine.ts";
import type { RaftEvent, RaftSettings } from "../machines/raft/raft_member.ts";
import type { Message } from "../machines/raft/message.ts";
import type { OrderParams } from "../machines/raft/turn.ts";
import { firstStep, type Order, step } from "../machines/step.ts";

const settings: RaftSettings = {
  electionTimeoutMs: 1000,
  heartbeatMs: 100,
  maxMessageBytes: 1 << 20,
  maxInFlight: 256,
  maxInFlightBytes: 64 << 20,
  maxUncommittedBytes: 1 << 30,
  keptEntries: 5000,
  maxLearners: 1,
  promotionLag: 1000,
};
const voters = ["a", "b", "c"];
const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
const first = { index: 1, term: 0, size: 100, configuration: { voters, learners: [] } };

/** Three members whose orders are carried out at once. */
class Trio {
  readonly #members = new Map<string, SnapshotFrom<typeof raftMachine>>();
  readonly #queue: { readonly to: string; readonly event: RaftEvent }[] = [];
  steps = 0;

  constructor() {
    for (const id of voters) {
      const hardState = { term: 0, vote: "", commit: 1 };
      const input = {
        id,
        settings,
        hardState,
        base: nobody,
        entries: [first],
        snapshot: nobody,
        applied: 0,
        drawnMs: 0,
      };
      this.#members.set(id, firstStep(raftMachine, input).snapshot);
    }
    this.tell("a", { type: "candidacy.urged", from: "", to: "a", term: 0 });
  }

  tell(to: string, event: RaftEvent): void {
    this.#queue.push({ to, event });
    for (let at = 0; at < this.#queue.length; at++) {
      const { to, event } = this.#queue[at]!;
      const made = step(raftMachine, this.#members.get(to)!, event);
      this.steps++;
      this.#members.set(to, made.snapshot);
      for (const order of made.orders) this.#carryOut(to, order);
    }
    this.#queue.length = 0;
  }

  member(id: string) {
    return this.#members.get(id)!.context;
  }

  #carryOut(who: string, order: Order): void {
    const send = (messages: readonly Message[]) => {
      for (const message of messages) this.#queue.push({ to: message.to, event: message });
    };
    if (order.type === "sendMessages") send((order.params as OrderParams<"sendMessages">).messages);
    if (order.type !== "saveEntries") return;
    const { hardState: { term, vote }, last, thenSend } = order.params as OrderParams<"saveEntries">;
    send(thenSend);
    this.#queue.push({ to: who, event: { type: "entries.saved", term, vote, last } });
  }
}

for (const batch of [1, 16, 256]) {
  const trio = new Trio();
  const sizes = Array.from({ length: batch }, () => 1000);
  const rounds = Math.ceil(20_000 / Math.sqrt(batch));
  const run = (count: number) => {
    for (let round = 0; round < count; round++) {
      trio.tell("a", { type: "proposal.made", sizes });
      const { applied, snapshot } = trio.member("a");
      if (applied - snapshot.index < 10_000) continue;
      for (const id of voters) trio.tell(id, { type: "snapshot.made", index: trio.member(id).applied });
    }
  };
  run(Math.ceil(rounds / 10));
  const [start, steps] = [performance.now(), trio.steps];
  run(rounds);
  const seconds = (performance.now() - start) / 1000;
  const { commit, log } = trio.member("a");
  if (commit !== log.last.index) {
    throw new Error(`Cannot measure: ${log.last.index - commit} entries are not committed`);
  }
  console.log(
    `batches of ${batch}: ${Math.round(rounds * batch / seconds)} entries/s, ${
      Math.round(rounds / seconds)
    } batches/s ` +
      `committed by three members, ${((trio.steps - steps) / rounds).toFixed(1)} steps a batch, ` +
      `${(seconds * 1e6 / (trio.steps - steps)).toFixed(1)} us a step`,
  );
}
