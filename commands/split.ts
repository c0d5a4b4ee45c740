/** A cluster in several processes: this one watches over a master's and each node's. */
import { RealRoleProcesses, type RoleCommand } from "../actors/supervisor/role_processes.ts";
import { masterRole, nodeRole, startSupervisor } from "../actors/supervisor/supervisor_actor.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { ownCommand } from "./own_command.ts";
import type { Progress } from "./progress.ts";
import type { RuntimeName } from "./runtime_choice.ts";
import type { Bringing } from "./up.ts";
import { reportingSystem } from "./reporting_system.ts";

export interface SplitOptions {
  readonly state: ClusterState;
  readonly index: number;
  /** With more than none the store is replicated. */
  readonly masters: number;
  readonly nodes: number;
  readonly overcommit: boolean;
  readonly runtime: RuntimeName;
  readonly progress: Progress;
  report(problem: string): void;
  /** The processes that live now, by role. */
  changed(processes: Readonly<Record<string, number>>): void;
}

export async function startSplit(options: SplitOptions): Promise<Bringing> {
  const { nodes, progress, report } = options;
  const masters = Math.max(1, options.masters);
  const system = reportingSystem(report);
  const commands = new Map<string, RoleCommand>();
  for (let number = 0; number < masters; number++) {
    commands.set(masterRole(number), await commandOf(options, "master", number));
  }
  for (let number = 0; number < nodes; number++) {
    commands.set(nodeRole(number), await commandOf(options, "node", number));
  }
  const width = Math.max(...[...commands.keys()].map((role) => role.length));
  const supervisor = startSupervisor({
    system,
    node: "supervisor",
    masters,
    nodes,
    processes: new RealRoleProcesses({
      command: (role) => commands.get(role)!,
      said: (role, line) => progress.say(`${role.padEnd(width)}  ${line}`),
      done: (role, text) => progress.done(`${role.padEnd(width)}  ${text}`),
    }),
    changed: (living) => options.changed(Object.fromEntries(living)),
    crashed: (role, code) => report(`${role} ended with ${code}; it is started again`),
  });
  return {
    server: `https://127.0.0.1:${addressPlan(options.index).apiServerPort}`,
    ready: supervisor.ready,
    kill: () => supervisor.kill(),
    async stop() {
      supervisor.stop();
      await supervisor.ended;
      system.stopAll();
    },
  };
}

async function commandOf(
  { state, masters, nodes, runtime, overcommit }: SplitOptions,
  kind: "master" | "node",
  number: number,
): Promise<RoleCommand> {
  return await ownCommand(kind, state, [
    ...["up", "--role", kind, "--number", `${number}`, ...(masters === 0 ? [] : ["--masters", `${masters}`])],
    ...["--name", state.name, "--state", state.directory, "--nodes", `${nodes}`, "--runtime", runtime],
    ...(overcommit ? ["--overcommit"] : []),
  ]);
}
