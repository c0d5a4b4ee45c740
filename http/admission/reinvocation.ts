/**
 * Who changed a write after whom: what runs again when something that ran later changed the object (Kubernetes docs,
 * "Reinvocation policy"). One for each group of hooks and request.
 */
import { copyJson, jsonEquals } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";

/** Shared by all that change one request. */
export class Passes {
  /** The second time through. */
  isReinvocation = false;
  /** Somebody changed the object, so what ran before may have to look again. */
  isWanted = false;
}

export class Reinvocation {
  readonly #before = new Set<string>();
  readonly #again = new Set<string>();
  #output: KubeObject | undefined;

  constructor(readonly passes: Passes) {}

  /** At the begin of a pass: who ran last time looks again at what has changed since. */
  begin(object: KubeObject | undefined): void {
    if (this.passes.isReinvocation && !jsonEquals(this.#output, object)) this.#require();
  }

  end(object: KubeObject | undefined): void {
    this.#output = object === undefined ? undefined : copyJson(object);
  }

  /** Whether a hook runs in this pass. */
  runs(hook: string): boolean {
    return !this.passes.isReinvocation || this.#again.has(hook);
  }

  /** A hook has run. `again`: it wants to see later changes. */
  ran(hook: string, changed: boolean, again: boolean): void {
    if (changed) {
      this.#require();
      this.passes.isWanted = true;
    }
    if (again) this.#before.add(hook);
  }

  #require(): void {
    for (const hook of this.#before) this.#again.add(hook);
    this.#before.clear();
  }
}
