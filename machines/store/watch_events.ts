/** Watch events from history: nothing is kept for watches but the records themselves. */
import { inRange } from "./key_order.ts";
import { type KeyValueState, recordsOf } from "./key_value_state.ts";
import type { KeyValue, StorageEvent } from "./requests.ts";

export function eventOf(record: KeyValue): StorageEvent {
  return { type: record.version === 0 ? "delete" : "put", kv: record };
}

export function eventWithPrevious(state: KeyValueState, record: KeyValue): StorageEvent {
  const previous = state.before(record);
  return previous === undefined ? eventOf(record) : { ...eventOf(record), previous };
}

/**
 * Events of a range from a revision on, whole revisions, until `budget` records were looked at or the present is
 * reached. `from` is not compacted.
 */
export function eventsFrom(
  state: KeyValueState,
  range: { readonly key: string; readonly end?: string; readonly previous?: boolean },
  from: number,
  budget: number,
): { readonly events: StorageEvent[]; readonly revision: number } {
  const events: StorageEvent[] = [];
  let revision = from - 1;
  for (let left = budget; left > 0 && revision < state.revision;) {
    const change = state.changeAt(++revision);
    if (change === undefined) continue;
    const records = recordsOf(change);
    left -= records.length;
    for (const record of records) {
      if (!inRange(record.key, range.key, range.end)) continue;
      events.push(range.previous ? eventWithPrevious(state, record) : eventOf(record));
    }
  }
  return { events, revision };
}
