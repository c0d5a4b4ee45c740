/** `chartroom member`: the masters' members of the replicated store. */
import { type Access, administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type MemberList, membersPath } from "./member_routes.ts";
import { postJson } from "./post_json.ts";
import { printTable } from "./token.ts";

export async function listMembers(state: ClusterState): Promise<void> {
  const rows = (await readMembers(await administratorAccess(state))).map((member) => [
    member.name || "?",
    member.id,
    member.reachable ? member.role : "unreachable",
    ...[member.term, member.appliedIndex, member.processId].map((value) => member.reachable ? `${value}` : "-"),
    member.peerAddresses.join(","),
  ]);
  printTable(["NAME", "ID", "ROLE", "TERM", "APPLIED", "PROCESS", "ADDRESS"], rows);
}

/** `name`: the member's name or id. */
export async function changeMember(state: ClusterState, change: string, name: string | undefined): Promise<void> {
  const access = await administratorAccess(state);
  const members = await readMembers(access);
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
  await postJson(`${access.server}${membersPath}/${change}`, member === undefined ? {} : { id: member.id }, access);
  console.error(`Done: ${change}${member === undefined ? "" : ` ${member.name}`}.`);
}

async function readMembers({ server, authority, certificate: { certificate, key } }: Access): Promise<MemberList> {
  using client = Deno.createHttpClient({ caCerts: [authority], cert: certificate, key });
  const response = await fetch(`${server}${membersPath}`, { client });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  if (response.status !== 404) {
    throw new Error(`Cannot list members: the API server answered ${response.status}: ${text}`);
  }
  throw new Error("Cannot list members: this cluster has one master, on its own (up --masters 3 replicates the store)");
}
