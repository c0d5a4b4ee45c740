/** `chartroom restart`: the masters of a cluster, one after the other, while the cluster goes on. */
import { administrator } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";
import { makeChange, membersDoor, patiently } from "./member.ts";
import type { MemberList } from "./member_routes.ts";
import { servesSince } from "./presence.ts";
import { Progress } from "./progress.ts";
import { signalProcess } from "./signal_process.ts";

/** What restarting needs of a cluster. */
export interface RestartWorld {
  /** Processes that are started again when they end, by the masters' names. */
  readonly processes: ReadonlyMap<string, number>;
  members(): Promise<MemberList>;
  moveLeader(members: MemberList): Promise<void>;
  /** Asks the process to end in order. */
  end(pid: number): Promise<void>;
  /** Whether the API server of this master has come up again since it was asked to end. */
  serves(name: string): Promise<boolean>;
  /** False: that was long enough. */
  pause(): Promise<boolean>;
  step(title: string, body: () => Promise<void>): Promise<void>;
}

type Member = MemberList[number];

export async function restart(state: ClusterState): Promise<void> {
  const running = await state.running();
  if (running === undefined || await state.holder() === undefined) {
    throw new Error(`Cannot restart the masters of "${state.name}": it does not run (chartroom up)`);
  }
  const processes = new Map(Object.entries(running.processes ?? {}).filter(([role]) => role.startsWith("master-")));
  if (processes.size < 2) {
    throw new Error(
      `Cannot restart the masters of "${state.name}" one by one: it has one; stop it (Ctrl-C, or SIGTERM to process ` +
        `${running.pid}) and run "chartroom up" again: its pods keep running meanwhile`,
    );
  }
  const progress = new Progress();
  const door = await membersDoor(state);
  const client = await administrator(state);
  const members = () => patiently(door.list);
  let since = Date.now();
  let deadline = 0;
  try {
    await restartInTurn({
      processes,
      members,
      moveLeader: (before) => makeChange(door, "move-leader", undefined, before),
      async end(pid) {
        since = Date.now();
        deadline = performance.now() + patienceMs;
        await signalProcess(pid, "TERM");
      },
      serves: (name) => servesSince(client, name, since),
      async pause() {
        await new Promise((resolve) => setTimeout(resolve, 200));
        return performance.now() < deadline;
      },
      step: (title, body) => progress.step(title, body),
    });
  } finally {
    client.close();
  }
  const others = (await members()).filter(({ name }) => !processes.has(name)).map(({ name }) => name);
  if (others.length > 0) progress.say(`  Not restarted, since they were started by hand: ${others.join(", ")}.`);
  progress.say(`All masters restarted in ${progress.elapsed}.`);
}

/** For one master to come back and catch up. */
const patienceMs = 120_000;

/**
 * Followers first, the leader last and only after it has handed over. The next one is asked to end only when the one
 * before has a vote, has applied what was written up to its end, and serves: never are two away at once.
 */
export async function restartInTurn(world: RestartWorld): Promise<void> {
  const isOwn = ({ name }: Member) => world.processes.has(name);
  const before = await world.members();
  requireHealthy(before);
  const inTurn = before.filter(isOwn).sort((a, b) => rank(a) - rank(b));
  for (const { id, name } of inTurn) {
    await world.step(`${name} restarted`, async () => {
      const now = await world.members();
      requireHealthy(now);
      const member = now.find((each) => each.id === id)!;
      if (member.role === "leader") await world.moveLeader(now);
      const target = Math.max(...now.map(({ appliedIndex }) => appliedIndex));
      await world.end(member.processId);
      await untilBack(world, member, target);
    });
  }
}

const rank = ({ role }: Member) => role === "leader" ? 1 : 0;

/** With one away already, another must not go. */
function requireHealthy(members: MemberList): void {
  const ill = members.filter(({ reachable, learner }) => !reachable || learner);
  if (ill.length === 0) return;
  const how = ill.map(({ name, reachable }) => `${name} is ${reachable ? "a learner yet" : "unreachable"}`).join(", ");
  throw new Error(`Cannot restart the masters one by one: ${how} (chartroom member list)`);
}

async function untilBack(world: RestartWorld, { id, name, processId }: Member, target: number): Promise<void> {
  for (;;) {
    const member = (await world.members()).find((each) => each.id === id);
    const isBack = member !== undefined && member.reachable && member.processId !== processId &&
      !member.learner && member.appliedIndex >= target;
    if (isBack && await world.serves(name)) return;
    if (!await world.pause()) {
      throw new Error(
        `Cannot restart the masters further: ${name} has not come back; the others were left as they are`,
      );
    }
  }
}
