/**
 * How a machine names the work it orders.
 *
 * A machine never acts. It hands out orders, data with a name and plain-JSON params, and hears back by facts. An
 * effect declares one such order and every fact that may answer it, so that the actor layer, the explorer and the
 * trace validator read the protocol from the machine itself.
 */
import type { AnyStateMachine } from "xstate";

/** What is declared about an order. */
export interface EffectDeclaration {
  /** Event types of which exactly one answers the order. Empty: nothing is reported back. */
  readonly answers: readonly string[];
  /**
   * The answer that a thrown error becomes: `{ type, reason, message }`. It is one of `answers`. Without it an error
   * thrown by the performer is reported by the actor system as a fault and the order stays unanswered.
   */
  readonly fails?: string;
  /** Orders of these names that are still outstanding are called off: aborted, and a late answer is dropped. */
  readonly cancels?: readonly string[];
}

type EffectAction<Params> = (args: unknown, params: Params) => void;

const declarations = new WeakMap<object, EffectDeclaration>();

/**
 * Declares an order for `setup({ actions })`; the key there is its name. Nothing happens when the machine runs it:
 * `step` hands it out as data.
 */
export function effect<Params extends object = Record<never, never>>(
  declaration: EffectDeclaration = { answers: [] },
): EffectAction<Params> {
  if (declaration.fails !== undefined && !declaration.answers.includes(declaration.fails)) {
    throw new Error(`Cannot declare effect: "${declaration.fails}" is not among its answers`);
  }
  const action: EffectAction<Params> = () => {};
  declarations.set(action, declaration);
  return action;
}

/** The orders of a machine by name. Actions that are no orders (assign, raise) are not in it. */
export type Effects = ReadonlyMap<string, EffectDeclaration>;

const byMachine = new WeakMap<AnyStateMachine, Effects>();

/** Every order the machine may give, with its answers. */
export function effectsOf(machine: AnyStateMachine): Effects {
  let effects = byMachine.get(machine);
  if (effects === undefined) {
    const found = new Map<string, EffectDeclaration>();
    for (const [name, action] of Object.entries(machine.implementations.actions)) {
      const declaration = declarations.get(action as object);
      if (declaration !== undefined) found.set(name, declaration);
    }
    effects = found;
    byMachine.set(machine, effects);
  }
  return effects;
}
