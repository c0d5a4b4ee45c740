/** A model that can be listed and checked by name: a system, or a search of its own. */
import { checkSystem, type SystemCheck } from "../check/check_system.ts";
import { BrokenRule, TooManyStates } from "../check/explore.ts";
import type { MachineCoverage } from "../check/machine_coverage.ts";
import type { SystemModel } from "../check/system_model.ts";

interface Named {
  /** `pod/never-crash`: what it is about, then what is special about it. */
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** Small ones are checked in the fast tests, large ones with `CHARTROOM_CHECK=all`. */
  readonly size: "small" | "large";
}

/** Actors over a network: what breaks can be told in every form, and played on live actors. */
export interface NamedSystem extends Named {
  /** Made anew for each check. */
  system(): SystemModel;
}

/** A model with moves of its own; what breaks is told as a story. */
export interface NamedSearch extends Named {
  /** @throws BrokenRule, TooManyStates */
  search(): OwnSearch;
}

export type NamedModel = NamedSystem | NamedSearch;

export interface OwnSearch {
  readonly states: number;
  /** Steps tried. */
  readonly generated: number;
  readonly depth: number;
  /** Wanted states that there are not. */
  readonly neverSeen: readonly string[];
  readonly coverage: readonly MachineCoverage[];
}

/** What is said of every model, whatever searches it. */
export type ModelCheck = Pick<
  SystemCheck,
  "verdict" | "reason" | "violations" | "states" | "generated" | "depth" | "unchecked" | "coverage"
>;

export function isSystem(model: NamedModel): model is NamedSystem {
  return "system" in model;
}

export function checkModel(model: NamedModel): ModelCheck {
  return isSystem(model) ? checkSystem(model.system()) : checkSearch(model);
}

function checkSearch({ search }: NamedSearch): ModelCheck {
  const nothing = { reason: undefined, violations: [], states: 0, generated: 0, depth: 0, unchecked: [], coverage: [] };
  try {
    const { neverSeen, ...found } = search();
    const violations = neverSeen.map((rule) => ({
      kind: "sometimes" as const,
      rule,
      moves: [],
      cycle: [],
      story: "It is true in no state.",
    }));
    return { ...nothing, ...found, violations, verdict: violations.length > 0 ? "violated" : "complete" };
  } catch (error) {
    if (error instanceof TooManyStates) return { ...nothing, verdict: "incomplete", reason: error.message };
    if (!(error instanceof BrokenRule)) throw error;
    const violation = { kind: "always" as const, rule: error.rule, moves: [], cycle: [], story: error.message };
    return { ...nothing, violations: [violation], verdict: "violated" };
  }
}
