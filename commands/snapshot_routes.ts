/** The whole store as a file: `GET /chartroom/snapshot`, for who may do everything. */
import type { Env, Hono } from "hono";
import { ApiError } from "../machines/objects/status.ts";
import type { MasterStore } from "./master_store.ts";

export const snapshotPath = "/chartroom/snapshot";

/** `snapshot` holds everything that was answered before it was asked for. */
export function snapshotRoutes<E extends Env>(
  app: Hono<E>,
  snapshot: () => Promise<AsyncIterable<Uint8Array>>,
): void {
  app.get(snapshotPath, async () => {
    const body = ReadableStream.from(await snapshot());
    return new Response(body, { headers: { "content-type": "application/octet-stream" } });
  });
}

/** With everything that was answered before, also on a member that is behind. */
export async function snapshotOf({ storage, administration }: MasterStore): Promise<AsyncIterable<Uint8Array>> {
  if (administration === undefined) {
    throw new ApiError(409, "Conflict", "the store is an etcd of its own; etcdctl snapshot save asks that one");
  }
  await storage.range({ key: "/", countOnly: true });
  return administration.snapshot();
}
