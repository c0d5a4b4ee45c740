/** What was said about inspection when the cluster was brought up; the processes that serve it read it from the state. */
import { historyBound } from "../actors/inspection/history_recorder.ts";
import type { ClusterState } from "./cluster_state.ts";

export interface InspectionWish {
  /** How much of what happens is kept on disk: `1h`, `200MB`. */
  readonly history?: string;
  /** Whether administrators may send events to actors. */
  readonly send?: boolean;
}

const file = "inspection.json";

/** @throws Error when the bound of the history is none. */
export async function noteInspectionWish(
  state: ClusterState,
  { history, inspectSend }: { readonly history?: string; readonly inspectSend?: boolean },
): Promise<void> {
  if (history !== undefined) historyBound(history);
  const wish: InspectionWish = {
    ...(history === undefined ? {} : { history }),
    ...(inspectSend === true ? { send: true } : {}),
  };
  await Deno.writeTextFile(state.path(file), JSON.stringify(wish), { mode: 0o600 });
}

export async function readInspectionWish(state: ClusterState): Promise<InspectionWish> {
  try {
    return JSON.parse(await Deno.readTextFile(state.path(file))) as InspectionWish;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}
