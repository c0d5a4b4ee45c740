/** Every model of what ships, for `chartroom check` and the tests. */
import { apiServerModels } from "./api_server_system.ts";
import { controllerModels } from "./controller_models.ts";
import type { NamedModel } from "./model.ts";
import { podModels } from "./pod_models.ts";
import { schedulerModels } from "./scheduler_models.ts";

export const allModels: readonly NamedModel[] = [
  ...podModels,
  ...controllerModels,
  ...schedulerModels,
  ...apiServerModels,
];
