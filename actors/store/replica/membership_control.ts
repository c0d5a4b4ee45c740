/** Changing and watching the members: on the leader, or by asking it. */
import type { MemberId } from "../../../machines/raft/entry.ts";
import { isMember, type MembershipChange } from "../../../machines/raft/membership.ts";
import type { MemberRecord } from "../../../machines/raft/roster.ts";
import {
  AdministrationError,
  type AdministrationRefusal,
  type StoreMemberInfo,
} from "../../../ports/store_administration.ts";
import type {
  JoinTicket,
  MemberHash,
  NewStoreMember,
  StoreMembershipControl,
  StoreMemberStatus,
} from "../../../ports/store_membership.ts";
import { drawId, recordOf } from "./founding.ts";
import type { Replica } from "./replica.ts";

interface Change {
  readonly change: MembershipChange;
  readonly record?: MemberRecord;
}

/** Whether the same attempt, a little later, may go well. */
const passing = ["notLeader", "transferring", "changeUnderWay", "noCommitInTerm", "tooMuchUncommitted", "noLeader"];

const refusals: Record<string, readonly [AdministrationRefusal, string]> = {
  isMember: ["memberExists", "it is one already"],
  isNoMember: ["memberNotFound", "there is no such member"],
  isNoLearner: ["notLearner", "it is no learner"],
  tooManyLearners: ["tooManyLearners", "there are as many learners as may be"],
  notCaughtUp: ["learnerNotReady", "it has not caught up with the leader"],
  lastVoter: ["notEnoughStarted", "no voter would be left"],
  changeUnderWay: ["unhealthy", "another change is under way"],
  noCommitInTerm: ["unhealthy", "the leader has just come into office"],
  notKnown: ["timedOut", "whether the change was made is not known"],
  closed: ["unhealthy", "the store is closed"],
};

const statusTimeoutMs = 1_000;
const againMs = 50;

export class MembershipControl implements StoreMembershipControl {
  constructor(readonly replica: Replica) {
    const { handlers } = replica.link;
    handlers.set("change", async (_, head) => ({ refused: await this.#changeHere(head as Change) ?? "" }));
    handlers.set("status", () => this.#ownStatus());
    handlers.set("transfer", (_, head) => void this.#transferHere((head as { to: MemberId }).to));
    // Said only by members whose log has it committed; an id is never used again.
    handlers.set("gone", () => this.replica.tell({ type: "member.removed" }));
    handlers.set("compareHashes", async () => ({ result: await this.replica.hashes.compare() ?? null }));
  }

  get id(): string {
    return this.replica.loaded.identity.member;
  }

  get cluster(): string {
    return this.replica.loaded.identity.cluster;
  }

  records(): readonly StoreMemberInfo[] {
    const { roster, context } = this.replica;
    if (context === undefined) return [];
    const { configuration } = context.log.configurations.at(-1)!;
    return [...configuration.voters, ...configuration.learners].sort().map((id) => {
      const record = roster.current.find((each) => each.id === id) ?? recordOf(id, { name: "", peerAddresses: [] });
      return { ...record, learner: configuration.learners.includes(id) };
    });
  }

  async members(): Promise<readonly StoreMemberStatus[]> {
    const { link, isOpen } = this.replica;
    if (!isOpen) throw new AdministrationError("unhealthy", "Cannot list the members: this one takes part no more");
    return await Promise.all(
      this.records().map(async (record) => {
        const said = record.id === this.id
          ? this.#ownStatus()
          : (await link.call(record.id, "status", {}, [], statusTimeoutMs))?.head as OwnStatus | undefined;
        return { ...record, reachable: said !== undefined, ...unknown, ...said };
      }),
    );
  }

  async addLearner(member: NewStoreMember): Promise<JoinTicket> {
    const id = drawId(this.replica.options.random);
    await this.#change({ change: { type: "addLearner", member: id }, record: recordOf(id, member) });
    return { id, cluster: this.cluster, members: this.records() };
  }

  async promote(id: string): Promise<void> {
    await this.#change({ change: { type: "promoteLearner", member: id } });
  }

  async update(id: string, changes: Partial<NewStoreMember>): Promise<void> {
    const { learner: _, ...record } = this.records().find((each) => each.id === id) ??
      { ...recordOf(id, { name: "", peerAddresses: [] }), learner: false };
    await this.#change({ change: { type: "restateMembers", member: id }, record: { ...record, ...changes } });
  }

  async remove(id: string): Promise<void> {
    await this.#change({ change: { type: "removeMember", member: id } });
  }

  async moveLeader(to?: string): Promise<void> {
    const { replica } = this;
    const { clock, requestTimeoutMs } = replica.options;
    const { leader = "" } = replica.context ?? {};
    if (leader === "") throw new AdministrationError("noLeader", "Cannot move the leader: there is none");
    const target = to ?? this.#others(leader)[0];
    const { voters } = replica.context!.log.configurations.at(-1)!.configuration;
    if (target === undefined || !voters.includes(target)) {
      throw new AdministrationError("badTransferee", `Cannot move the leader: "${target ?? ""}" is no other voter`);
    }
    if (target === leader) return;
    const deadline = clock.now() + requestTimeoutMs;
    if (leader === this.id) this.#transferHere(target);
    else void replica.link.call(leader, "transfer", { to: target }, [], 1);
    await this.#until(() => replica.context?.leader === target, deadline, "Cannot move the leader: it did not happen");
  }

  async checkHashes(): Promise<readonly MemberHash[]> {
    const { replica } = this;
    const { leader = "" } = replica.context ?? {};
    const result = leader === this.id
      ? await replica.hashes.compare()
      : ((await replica.link.call(leader, "compareHashes", {}, [], 40_000))?.head as
        | { result: readonly MemberHash[] | null }
        | undefined)?.result;
    if (result) return result;
    throw new AdministrationError("noLeader", "Cannot compare the members: no leader has done it");
  }

  #others(leader: MemberId): MemberId[] {
    const { progress, log } = this.replica.context!;
    return log.configurations.at(-1)!.configuration.voters.filter((id) => id !== leader)
      .sort((a, b) => (progress[b]?.match ?? 0) - (progress[a]?.match ?? 0));
  }

  #ownStatus(): OwnStatus {
    const { replica } = this;
    const { log, snapshots, state } = replica.loaded;
    const { context } = replica;
    const isVoter = context !== undefined &&
      context.log.configurations.at(-1)!.configuration.voters.includes(this.id);
    return {
      role: replica.isLeader ? "leader" : isVoter ? "follower" : "learner",
      term: context?.term ?? 0,
      appliedIndex: replica.applied.index,
      revision: state.revision,
      sizeBytes: log.bytes + snapshots.bytes,
      processId: replica.options.processId,
    };
  }

  /** Until the leader has made it, has refused it for good, or time is up. */
  async #change(change: Change): Promise<void> {
    const { clock, requestTimeoutMs } = this.replica.options;
    const deadline = clock.now() + requestTimeoutMs;
    for (;;) {
      const refused = await this.#tryChange(change);
      if (refused === undefined || this.#isOwnEnd(change)) return await this.#seen(change, deadline);
      if (!passing.includes(refused) || clock.now() >= deadline) throw errorOf(change, refused);
      await new Promise<void>((resolve) => clock.wakeAt(clock.now() + againMs, resolve));
    }
  }

  async #tryChange(change: Change): Promise<string | undefined> {
    const { leader = "" } = this.replica.context ?? {};
    if (leader === "") return "noLeader";
    if (leader === this.id) return await this.#changeHere(change);
    const reply = await this.replica.link.call(leader, "change", change, [], this.replica.options.requestTimeoutMs);
    if (reply === undefined) return "notKnown";
    const { refused } = reply.head as { refused: string };
    return refused === "" ? undefined : refused;
  }

  async #changeHere({ change, record }: Change): Promise<string | undefined> {
    if (!this.replica.isLeader) return "notLeader";
    return (await this.replica.writes.submitChange(change, record))?.refusal;
  }

  /** Nobody is heard any more by a member that is gone, not even who says that it is. */
  #isOwnEnd({ change: { type, member } }: Change): boolean {
    const { actor } = this.replica;
    return type === "removeMember" && member === this.id && (actor?.getSnapshot().matches("removed") ?? false);
  }

  /** The own log knows of it too: who asks next is told of it. */
  async #seen({ change: { type, member } }: Change, deadline: number): Promise<void> {
    if (type !== "addLearner") return;
    const isSeen = () => isMember(this.replica.context!.log.configurations.at(-1)!.configuration, member);
    await this.#until(isSeen, deadline, `Cannot see the new member ${member}: this member is behind`);
  }

  #transferHere(to: MemberId): void {
    this.replica.raft?.send({ type: "transfer.wanted", to });
  }

  async #until(condition: () => boolean, deadline: number, message: string): Promise<void> {
    const { clock } = this.replica.options;
    while (!condition()) {
      if (clock.now() >= deadline) throw new AdministrationError("timedOut", message);
      await new Promise<void>((resolve) => clock.wakeAt(clock.now() + againMs, resolve));
    }
  }
}

const unknown = { role: "unknown", term: 0, appliedIndex: 0, revision: 0, sizeBytes: 0, processId: 0 } as const;

type OwnStatus = Omit<StoreMemberStatus, keyof StoreMemberInfo | "reachable">;

function errorOf({ change: { type, member } }: Change, refused: string): AdministrationError {
  const [code, why] = refusals[refused] ?? ["noLeader", `no leader has taken it (${refused})`];
  const verbs = {
    addLearner: "add member",
    promoteLearner: "promote member",
    removeMember: "remove member",
    restateMembers: "update member",
  };
  return new AdministrationError(code, `Cannot ${verbs[type]} ${member}: ${why}`);
}
