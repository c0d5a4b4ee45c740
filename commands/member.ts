/** `chartroom member`: the masters' members of the replicated store. */
import { administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type MemberList, membersPath } from "./member_routes.ts";
import { getJson, NoAnswer, postJson, Refused } from "./post_json.ts";
import { printTable } from "./token.ts";

/** How the members are asked; masters share an address, and any of them may end while it answers. */
export interface MembersDoor {
  list(): Promise<MemberList>;
  change(change: string, id: string | undefined): Promise<void>;
}

type Member = MemberList[number];

/** What is true once a change has been made, whoever made it. */
const isMade: Readonly<
  Record<string, (now: MemberList, member: Member | undefined, before: MemberList) => boolean>
> = {
  promote: (now, member) => now.some(({ id, learner }) => id === member?.id && !learner),
  remove: (now, member) => now.length > 0 && !now.some(({ id }) => id === member?.id),
  "move-leader": (now, member, before) => {
    const leader = leaderOf(now);
    return leader !== undefined && (member === undefined ? leader !== leaderOf(before) : leader === member.id);
  },
};

const leaderOf = (members: MemberList) => members.find(({ role }) => role === "leader")?.id;

export async function listMembers(state: ClusterState): Promise<void> {
  const rows = (await patiently((await membersDoor(state)).list)).map((member) => [
    member.name || "?",
    member.id,
    member.reachable ? member.role : "unreachable",
    ...[member.term, member.appliedIndex, member.processId].map((value) => member.reachable ? `${value}` : "-"),
    member.peerAddresses.join(","),
  ]);
  printTable(["NAME", "ID", "ROLE", "TERM", "APPLIED", "PROCESS", "ADDRESS"], rows);
}

/** A place in the store is given to a master when it joins, not before: one that never came would count as absent. */
export async function addMember(state: ClusterState, name: string, ttl: number): Promise<void> {
  const members = await patiently((await membersDoor(state)).list);
  if (members.some((member) => member.name === name && member.reachable)) {
    throw new Error(`Cannot add "${name}": a member of that name runs`);
  }
  const { createToken } = await import("./token.ts");
  await createToken(state, { master: true, ttl, member: name });
}

/** `name`: the member's name or id. */
export async function changeMember(state: ClusterState, change: string, name: string | undefined): Promise<void> {
  const door = await membersDoor(state);
  const members = await patiently(door.list);
  const member = members.find((each) => each.name === name || each.id === name);
  if (name !== undefined && member === undefined) {
    throw new Error(
      `Cannot ${change} "${name}": the members are ${members.map((each) => `"${each.name}"`).join(", ")}`,
    );
  }
  if (change === "remove" && member?.reachable && /^master-\d+$/.test(member.name)) {
    throw new Error(
      `Cannot remove "${member.name}": it runs, and is started again by "up"; it is removed once it is gone`,
    );
  }
  await makeChange(door, change, member, members);
  console.error(`Done: ${change}${member === undefined ? "" : ` ${member.name}`}.`);
}

/**
 * An answer may be lost with the master that was to give it: the members are looked at then, and only what has not
 * happened is asked for again.
 */
export async function makeChange(
  door: MembersDoor,
  change: string,
  member: Member | undefined,
  before: MemberList,
  pause = pauseBetween,
): Promise<void> {
  let isFirst = true;
  await patiently(async () => {
    if (!isFirst && isMade[change]?.(await door.list(), member, before)) return;
    isFirst = false;
    await door.change(change, member?.id);
  }, pause);
}

const attempts = 40;
const pauseBetween = () => new Promise<void>((resolve) => setTimeout(resolve, 250));

export async function patiently<T>(act: () => Promise<T>, pause = pauseBetween): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof NoAnswer) || attempt === attempts) throw error;
      await pause();
    }
  }
}

export async function membersDoor(state: ClusterState): Promise<MembersDoor> {
  const access = await administratorAccess(state);
  const url = `${access.server}${membersPath}`;
  return {
    async list() {
      try {
        return await getJson<MemberList>(url, access);
      } catch (error) {
        if (!(error instanceof Refused && error.status === 404)) throw error;
        throw new Error(
          "Cannot list members: the store is one master's own (up --masters 3 replicates it) or an external etcd, whose " +
            "members etcdctl lists",
        );
      }
    },
    change: (change, id) => postJson(`${url}/${change}`, id === undefined ? {} : { id }, access),
  };
}
