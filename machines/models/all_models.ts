/** Every model of what ships, for `chartroom check` and the tests. */
import type { NamedModel } from "./model.ts";
import { podModels } from "./pod_models.ts";

export const allModels: readonly NamedModel[] = [...podModels];
