/** Every model of what ships, for `chartroom check` and the tests. */
import { apiServerModels } from "./api_server_system.ts";
import { controllerModels } from "./controller_models.ts";
import type { SystemModel } from "../check/system_model.ts";
import { leaseModels } from "./lease_pair.ts";
import { checkModel, isSystem, type ModelCheck, type NamedModel } from "./model.ts";
import { podModels } from "./pod_models.ts";
import { raftModels } from "./raft/raft_models.ts";
import { schedulerModels } from "./scheduler_models.ts";

export const allModels: readonly NamedModel[] = [
  ...podModels,
  ...controllerModels,
  ...schedulerModels,
  ...apiServerModels,
  ...leaseModels,
  ...raftModels,
];

/** Checked where it is called, for workers that are told a name. */
export function checkNamed(name: string): ModelCheck {
  const found = allModels.find((model) => model.name === name);
  if (found === undefined) throw new Error(`Cannot check "${name}": there is no model of that name`);
  return checkModel(found);
}

/** Made anew, for workers that are told a name. */
export function modelNamed(name: string): SystemModel {
  const found = allModels.find((model) => model.name === name);
  if (found === undefined || !isSystem(found)) {
    throw new Error(`Cannot make the model "${name}": there is no system of that name`);
  }
  return found.system();
}
