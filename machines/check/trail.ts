/** How each state was found, and the rows that wait to be expanded, level by level. */
import type { Composition } from "./composition.ts";
import { Numbers } from "./fingerprints.ts";

export class Trail {
  readonly #parents = new Numbers();
  readonly #moves = new Numbers();
  /** Rows of this depth and of the next, each after its length. */
  current = new Numbers();
  #following = new Numbers();

  /** How many states were kept so far. */
  get size(): number {
    return this.#parents.length;
  }

  /** Keeps the composition's next row, and how it was found; `parent` -1: it is one to start with. */
  keep({ next, nextLength }: Composition, parent: number, move: number): void {
    this.#parents.push(parent);
    this.#moves.push(move);
    const rows = this.#following;
    rows.reserve(rows.length + nextLength + 1);
    rows.values[rows.length] = nextLength;
    for (let at = 0, to = rows.length + 1; at < nextLength; at++) rows.values[to++] = next[at]!;
    rows.length += nextLength + 1;
  }

  /** What was kept since the last turn is what is expanded now. */
  turn(): void {
    [this.current, this.#following] = [this.#following, this.current];
    this.#following.length = 0;
  }

  /** The place of each move on the way to a state; the first is that of the initial row. */
  pathTo(state: number): number[] {
    const path: number[] = [];
    for (let at = state; at >= 0; at = this.#parents.values[at]!) path.unshift(this.#moves.values[at]!);
    return path;
  }

  get bytes(): number {
    return [this.#parents, this.#moves, this.current, this.#following].reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
