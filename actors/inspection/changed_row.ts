/** A row after a change: `null` takes a field away. */
import type { ActorRow, RowChange } from "../../ports/inspection.ts";

export function changedRow(row: ActorRow, { id: _id, ...change }: RowChange): ActorRow {
  const fields = Object.entries(change).map(([field, value]) => [field, value ?? undefined]);
  return { ...row, ...Object.fromEntries(fields) } as ActorRow;
}
