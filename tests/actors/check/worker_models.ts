/** Models that workers make themselves. */
import type { SystemModel } from "../../../machines/check/system_model.ts";
import { apiServerSystem } from "../../../machines/models/api_server_system.ts";
import { networks, type RandomActor, randomSystem } from "../../machines/check/random_systems.ts";
import { electionModel } from "../../models/check_election_model.ts";

export const electionIn = (options: Parameters<typeof electionModel>[0], symmetric = false): SystemModel => {
  const { model, voters } = electionModel(options);
  return { ...model, ...(symmetric && { symmetry: [voters.map(({ name }) => name)] }) };
};

export const randomIn = (actors: readonly RandomActor[], network: number, bad: number): SystemModel =>
  randomSystem(actors, networks[network], [0, 1], bad).model;

/** Its rules about states. */
export const apiServerIn = (): SystemModel => {
  const { leadsTo: _, fairness: _fairness, ...safe } = apiServerSystem({ budgets: { failures: 1 } });
  return {
    ...safe,
    history: { init: 0, next: (count, { move }) => move.do === "timer" ? Math.min(2, count as number + 1) : count },
  };
};

export const broken = (): SystemModel => {
  throw new Error("it cannot be made");
};
