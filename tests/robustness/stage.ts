/** A store of several members as those see it who make it suffer: the same for members that are simulated and real. */
import type { JoinTicket, NewStoreMember } from "../../ports/store_membership.ts";
import type { StoreMemberInfo } from "../../ports/store_administration.ts";
import type { ReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import type { World } from "./workload.ts";

/** What a member says of its part in the log. */
export interface Standing {
  readonly id: string;
  readonly leader: string;
  readonly term: number;
  readonly commit: number;
  /** On its own disk. */
  readonly saved: number;
  /** It takes part no more, and why. */
  readonly failed?: string;
}

export interface Membership {
  records(): Promise<readonly StoreMemberInfo[]>;
  addLearner(member: NewStoreMember): Promise<JoinTicket>;
  promote(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  moveLeader(): Promise<void>;
}

export interface NetworkFaults {
  readonly loss: number;
  readonly duplication: number;
  readonly delayMs: readonly [number, number];
}

export type DiskTrouble = "noSpace" | "io" | "crash";

export interface Stage extends World {
  /** Everybody who is a member, or is about to be. */
  readonly names: Set<string>;
  /** Those of them whose processes run. */
  running(): string[];
  /** Nothing: it does not say, now. */
  standing(name: string): Promise<Standing | undefined>;
  /** Rejects when its store cannot be opened. */
  start(name: string): Promise<unknown>;
  /** From one moment to the next; `power`: with what its disk had not synced. */
  kill(name: string, options?: { readonly power?: boolean }): Promise<void>;
  pause(name: string): void;
  resume(name: string): void;
  readonly network: {
    partition(...groups: readonly (readonly string[])[]): void;
    cut(from: string, to: string): void;
    heal(): void;
    setFaults(faults: NetworkFaults): void;
  };
  /** Its disk fails soon, in the middle of something. */
  troubleDisk(name: string, trouble: DiskTrouble): Promise<void>;
  mendDisk(name: string): Promise<void>;
  /** Takes the end off the log of a member that does not run. */
  cutTail(name: string, bytes: number): Promise<void>;
  membership(name: string): Membership;
  peerAddress(name: string): Promise<string>;
  /** A new member, to be started with its ticket. */
  welcome(name: string, ticket: JoinTicket): void;
}

export const calm: NetworkFaults = { loss: 0, duplication: 0, delayMs: [0, 0] };

export function standingOf({ actor, log }: Pick<ReplicatedStorage, "actor" | "log">): Standing {
  const life = actor.getSnapshot();
  // Nothing: the chart of the log has stopped, and the one of its life is about to hear of it.
  const { context } = (log.getSnapshot() ?? {}) as Partial<ReturnType<typeof log.getSnapshot>>;
  const { id = "", leader = "", term = 0, commit = 0, saved = 0 } = context ?? {};
  const hasFailed = context === undefined || !actor.alive || life.value === "failed" || life.value === "removed";
  return { id, leader, term, commit, saved, ...(hasFailed && { failed: life?.context.message || "it has stopped" }) };
}

/** Who leads, as far as members say. */
export async function leaderOf(stage: Stage): Promise<string | undefined> {
  const standings = await Promise.all(
    stage.running().map(async (name) => ({ name, standing: await stage.standing(name) })),
  );
  const leads = standings.filter(({ standing }) =>
    standing !== undefined && standing.failed === undefined && standing.leader === standing.id
  );
  return leads.sort((a, b) => b.standing!.term - a.standing!.term)[0]?.name;
}
