/** A stored state as a new store begins with it. */
import { KeyValueState } from "./key_value_state.ts";

/** How far a restored store is ahead of its snapshot, so that nobody has seen a revision that it gives anew. */
export const revisionsAhead = 1_000_000_000;

/**
 * The same living keys and leases, without history and alarms, `revisionsAhead` later. What was written after the
 * snapshot is lost: whoever has seen it asks for changes since a revision that is compacted here, is told so, and reads
 * everything anew. Had revisions been given twice, it would be told nothing and go on with what is not there any more.
 */
export function restoredState(stored: KeyValueState): KeyValueState {
  const restored = new KeyValueState();
  for (const { id, ttlSeconds } of stored.leases.all()) restored.leases.grant(id, ttlSeconds);
  const { base, change } = restored.restore(stored.revision + revisionsAhead);
  stored.histories(undefined, (history) => {
    const record = history.recordAt(stored.revision);
    if (record !== undefined && record.version > 0) base(record);
  });
  change([]);
  return restored;
}
