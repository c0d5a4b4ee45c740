/**
 * What is done for an object by those who are no actors: requests, entries of the log, orders to the container engine.
 * A bounded ring of small facts, kept by reference; nothing is put into words until somebody asks.
 *
 * Nothing of it travels with the object: every process knows whose step it was by the object's own place and uid, so
 * what several processes tell of one object belongs together without their agreeing on anything.
 */
import type { ObjectLane } from "../../ports/inspection.ts";

export interface ObjectPlace {
  /** Plural: `pods`. */
  readonly resource: string;
  /** "": of the cluster. */
  readonly namespace: string;
  readonly name: string;
}

export interface ObjectStep extends ObjectPlace {
  /** Orders steps and transitions of a process. */
  readonly sequence: number;
  readonly wallTime: number;
  readonly from: ObjectLane;
  readonly to: ObjectLane;
  readonly what: string;
  /** Unknown to whoever answers without the object, as a binding is. */
  readonly uid?: string | undefined;
}

export type Moment = Pick<ObjectStep, "sequence" | "wallTime">;

const keptAtMost = 4_096;

export class ObjectSteps {
  readonly #moment: () => Moment;
  #former: ObjectStep[] = [];
  #steps: ObjectStep[] = [];

  constructor(moment: () => Moment) {
    this.#moment = moment;
  }

  /** Now, as what may become a step: whoever begins something often learns only later of which object. */
  now(): Moment {
    return this.#moment();
  }

  note(step: ObjectStep): void {
    if (this.#steps.length >= keptAtMost / 2) {
      this.#former = this.#steps;
      this.#steps = [];
    }
    this.#steps.push(step);
  }

  /** What is remembered of an object, in the order in which it happened. */
  of({ resource, namespace, name }: ObjectPlace): ObjectStep[] {
    return [...this.#former, ...this.#steps]
      .filter((step) => step.resource === resource && step.namespace === namespace && step.name === name)
      .sort((one, other) => one.sequence - other.sequence);
  }
}
