/** The whole store as a file: `GET /chartroom/snapshot`, for who may do everything. */
import type { Env, Hono } from "hono";
import { administerSingleMember } from "../actors/store/administration.ts";
import type { MemberStorage } from "../actors/store/open_storage.ts";
import { administerReplica } from "../actors/store/replica/administration.ts";
import type { ReplicatedStorage } from "../actors/store/replica/open_replicated_storage.ts";
import type { Storage } from "../ports/storage.ts";

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
export async function snapshotOf(storage: Storage, name: string): Promise<AsyncIterable<Uint8Array>> {
  await storage.range({ key: "/", countOnly: true });
  const { administration } = isReplicated(storage)
    ? administerReplica(storage)
    : administerSingleMember(storage as MemberStorage, { name });
  return administration.snapshot();
}

function isReplicated(storage: Storage): storage is ReplicatedStorage {
  return "membership" in storage;
}
