/** The 64-bit fingerprint of a composition's row: a sum over its parts, so that a part that changes changes it by little. */
import { mixHigh, mixLow } from "./fingerprints.ts";
import type { LocalStates } from "./local_states.ts";
import { type HistoryTable, slotHigh, slotLow } from "./row_parts.ts";

export class RowFingerprint {
  low = 0;
  high = 0;

  /** With `histories`, these are told apart by what they are. */
  constructor(
    readonly locals: LocalStates,
    readonly actors: number,
    readonly header: number,
    readonly histories?: HistoryTable,
  ) {}

  /** Both lanes of the fingerprint of the row at `at`, in `low` and `high`. */
  take(row: Int32Array, at: number, length: number): void {
    const { locals, actors, header } = this;
    let low = 0;
    let high = 0;
    for (let place = 0; place < actors; place++) {
      low = low + locals.low[row[at + place]!]! | 0;
      high = high + locals.high[row[at + place]!]! | 0;
    }
    let place = actors;
    if (this.histories !== undefined) {
      const history = row[at + place++]!;
      low = low + this.histories.low[history]! | 0;
      high = high + this.histories.high[history]! | 0;
    }
    for (; place < header; place++) {
      low = low + slotLow(place, row[at + place]!) | 0;
      high = high + slotHigh(place, row[at + place]!) | 0;
    }
    const { messages } = locals;
    if (!messages.ordered) {
      for (let from = at + header; from < at + length; from++) {
        low = low + messages.low[row[from]!]! | 0;
        high = high + messages.high[row[from]!]! | 0;
      }
    } else {
      let chainLow = 0x5bd1e995;
      let chainHigh = 0x27d4eb2f;
      for (let from = at + header; from < at + length; from++) {
        chainLow = mixLow(chainLow + messages.low[row[from]!]! | 0);
        chainHigh = mixHigh(chainHigh + messages.high[row[from]!]! | 0);
      }
      low = low + chainLow | 0;
      high = high + chainHigh | 0;
    }
    this.low = low;
    this.high = high;
  }
}
