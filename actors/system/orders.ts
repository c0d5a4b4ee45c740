/** Carrying out orders: each is answered at most once, by a fact its effect declares; late answers are counted. */
import type { AnyStateMachine, EventObject } from "xstate";
import { type EffectDeclaration, effectsOf } from "../../machines/effect.ts";
import type { Order, Step } from "../../machines/step.ts";
import type { ActorCell, Outstanding } from "./actor_cell.ts";
import type { OrderContext } from "./actor_kind.ts";
import type { Address } from "./address.ts";

/** The system, as orders see it. */
export interface OrderHost {
  now(): number;
  tell(to: Address, event: EventObject, from: Address, trace: number): void;
  answer(cell: ActorCell, event: EventObject, order: Outstanding): void;
  late(cell: ActorCell, incarnation: number, detail: string): void;
  fail(cell: ActorCell, error: unknown, during: string): void;
}

/** The event a failed performer becomes. */
export interface FailureFact extends EventObject {
  /** Machine-readable, from the error's `code` or `reason`; else its name. */
  readonly reason: string;
  readonly message: string;
}

/** The orders of a step, one after the other; false when one of them has stopped the actor, or failed it. */
export function carryOutAll(cell: ActorCell, step: Step<AnyStateMachine>, trace: number, host: OrderHost): boolean {
  for (const order of step.orders) {
    carryOut(cell, order, trace, host);
    // The rest belongs to a life that is over.
    if (!cell.alive || cell.snapshot !== step.snapshot) return false;
  }
  return true;
}

function carryOut(cell: ActorCell, order: Order, trace: number, host: OrderHost): void {
  const declaration = effectsOf(cell.kind.machine).get(order.type);
  const perform = cell.kind.performers.get(order.type);
  if (declaration === undefined || perform === undefined) {
    throw new Error(`Cannot carry out order "${order.type}" of "${cell.address}": nobody performs it`);
  }
  for (const type of declaration.cancels ?? []) callOff(cell, type);
  const context = new Context(cell, order.type, declaration, trace, host);
  try {
    const result = perform(order.params, context);
    if (result instanceof Promise) result.then((fact) => context.settle(fact), (error) => context.fail(error));
    else context.settle(result);
  } catch (error) {
    context.fail(error);
  }
}

function callOff(cell: ActorCell, type: string): void {
  for (const outstanding of cell.outstanding?.values() ?? []) {
    if (outstanding.type === type) {
      cell.outstanding?.delete(outstanding.id);
      outstanding.abort?.abort();
    }
  }
}

/** Aborts every outstanding order: the actor is gone or starts anew. */
export function callOffAll(cell: ActorCell): void {
  const all = cell.outstanding;
  cell.outstanding = undefined;
  for (const outstanding of all?.values() ?? []) outstanding.abort?.abort();
}

class Context implements OrderContext {
  readonly id: number;
  readonly #incarnation: number;
  readonly #outstanding: Outstanding;

  constructor(
    readonly cell: ActorCell,
    readonly type: string,
    readonly declaration: EffectDeclaration,
    readonly trace: number,
    readonly host: OrderHost,
  ) {
    this.id = cell.nextOrder();
    this.#incarnation = cell.incarnation;
    this.#outstanding = {
      id: this.id,
      type,
      declaration,
      givenAt: host.now(),
      trace,
      answered: false,
      abort: undefined,
    };
    if (declaration.answers.length > 0) (cell.outstanding ??= new Map()).set(this.id, this.#outstanding);
  }

  get self(): Address {
    return this.cell.address;
  }

  get outstanding(): boolean {
    return !this.#outstanding.answered && this.cell.outstanding?.get(this.id) === this.#outstanding;
  }

  get signal(): AbortSignal {
    this.#outstanding.abort ??= new AbortController();
    const expectsAnswer = this.declaration.answers.length > 0;
    if (!this.cell.alive || (expectsAnswer && !this.outstanding)) this.#outstanding.abort.abort();
    return this.#outstanding.abort.signal;
  }

  answer(fact: EventObject): void {
    if (!this.declaration.answers.includes(fact.type)) {
      throw new Error(
        `Cannot answer order "${this.type}" with "${fact.type}": its effect declares ${this.#declared()}`,
      );
    }
    if (!this.outstanding) {
      this.host.late(this.cell, this.#incarnation, `${fact.type} for order ${this.id} ${this.type}`);
      return;
    }
    this.#outstanding.answered = true;
    this.host.answer(this.cell, fact, this.#outstanding);
  }

  tell(to: Address, event: EventObject): void {
    this.host.tell(to, event, this.cell.address, this.trace);
  }

  /** What a performer returned; nothing means that it answers later, or that nothing is to be said. */
  settle(fact: EventObject | void): void {
    if (fact === undefined) return;
    try {
      this.answer(fact);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** A performer threw: its declared failure, else a fault of the actor. An order called off may fail in silence. */
  fail(error: unknown): void {
    const expectsAnswer = this.declaration.answers.length > 0;
    if (expectsAnswer && !this.outstanding) return;
    if (this.declaration.fails === undefined) {
      return this.#fault(error);
    }
    const { name, message, code, reason } = error instanceof Error
      ? error as Error & { code?: unknown; reason?: unknown }
      : { name: "Error", message: String(error), code: undefined, reason: undefined };
    const said = [reason, code].find((word) => typeof word === "string" && word !== "") ?? name;
    const fact: FailureFact = { type: this.declaration.fails, reason: String(said), message };
    this.answer(fact);
  }

  /** Of the actor, if it still lives the life in which the order was given. */
  #fault(error: unknown): void {
    if (this.cell.incarnation === this.#incarnation) this.host.fail(this.cell, error, `order ${this.type}`);
  }

  #declared(): string {
    const { answers } = this.declaration;
    return answers.length === 0 ? "no answer" : answers.map((answer) => `"${answer}"`).join(", ");
  }
}
