/** A store of several members as those see it who make it suffer: the same for members that are simulated and real. */
import type { JoinTicket, NewStoreMember } from "../../ports/store_membership.ts";
import type { StoreMemberInfo } from "../../ports/store_administration.ts";
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
