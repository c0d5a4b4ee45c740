/**
 * The last that change a write: policies, then webhooks. When one of them changed something, everything that changes
 * writes looks once more, so that what was filled in first fits what came later.
 */
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";
import { Passes, Reinvocation } from "./reinvocation.ts";

/** Hooks of one kind that may change a write. */
export interface MutatingHooks {
  readonly isEmpty: boolean;
  admit(request: AdmissionRequest, reinvocation: Reinvocation): Promise<void>;
}

/** @param earlier the plugins that ran before, in their order. */
export function dynamicMutation(
  earlier: readonly AdmissionPlugin[],
  hooks: readonly MutatingHooks[],
): AdmissionPlugin {
  return {
    name: "DynamicMutation",
    admit(request) {
      if (hooks.every(({ isEmpty }) => isEmpty)) return;
      return mutate(request);
    },
  };

  async function mutate(request: AdmissionRequest): Promise<void> {
    const passes = new Passes();
    const all = hooks.map((each) => ({ each, reinvocation: new Reinvocation(passes) }));
    for (const { each, reinvocation } of all) await each.admit(request, reinvocation);
    if (!passes.isWanted) return;
    passes.isReinvocation = true;
    for (const plugin of earlier) await plugin.admit?.(request);
    for (const { each, reinvocation } of all) await each.admit(request, reinvocation);
  }
}
