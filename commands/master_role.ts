/** The master in a process of its own, with what runs once per host. It issues the nodes' certificates. */
import { addressPlan } from "../machines/network/address_plan.ts";
import { startControlPlane } from "./control_plane.ts";
import { issueNodeCredentials } from "./node_credentials.ts";
import { reportingSystem } from "./reporting_system.ts";
import type { StartRole } from "./role.ts";

export const startMasterRole: StartRole = async ({ state, index, options, done, report }) => {
  const system = reportingSystem(report);
  const plan = addressPlan(index);
  const control = await startControlPlane({
    system,
    state,
    plan,
    runtime: options.runtime,
    nodes: options.nodes,
    ...(options.masters === 0 ? {} : { replicated: { number: options.number, masters: options.masters } }),
    step: async (title, body) => {
      const result = await body();
      done(title);
      return result;
    },
    report,
  });
  const now = system.clock.wallTime();
  const numbers = Array.from({ length: options.nodes }, (_, number) => number);
  const { authority } = control.master.keys;
  await Promise.all([
    control.startHostServices(),
    // The first master's affair, when there are several.
    ...(options.number > 0 ? [] : numbers).map((number) => issueNodeCredentials(state, number, plan, authority, now)),
  ]);
  return {
    over: control.removed,
    async stop() {
      await control.stop();
      system.stopAll();
    },
  };
};
