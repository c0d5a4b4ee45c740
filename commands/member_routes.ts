/** The members of the store, for `chartroom member`: below /chartroom/members, for who may do everything. */
import type { Env, Hono } from "hono";
import { ApiError } from "../machines/objects/status.ts";
import { AdministrationError } from "../ports/store_administration.ts";
import type { StoreMembershipControl, StoreMemberStatus } from "../ports/store_membership.ts";

export const membersPath = "/chartroom/members";

export type MemberList = readonly StoreMemberStatus[];

export function memberRoutes<E extends Env>(app: Hono<E>, membership: StoreMembershipControl): void {
  app.get(membersPath, async (c) => c.json(await refusing(membership.members())));
  app.post(`${membersPath}/:change`, async (c) => {
    const { id } = await c.req.json<{ id?: string }>();
    await refusing(changes(c.req.param("change"), membership)(id));
    return c.json({});
  });
}

/** Another master, or this one a little later, may know. */
const passing = ["unhealthy", "noLeader", "timedOut"];

async function refusing<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof AdministrationError)) throw error;
    if (!passing.includes(error.code)) throw new ApiError(409, "Conflict", error.message);
    throw new ApiError(503, "ServiceUnavailable", error.message, { retryAfterSeconds: 1 });
  }
}

function changes(name: string, membership: StoreMembershipControl): (id: string | undefined) => Promise<void> {
  const needed = (id: string | undefined): string => {
    if (id !== undefined) return id;
    throw new ApiError(400, "BadRequest", `Cannot ${name} a member: its id is missing`);
  };
  switch (name) {
    case "promote":
      return (id) => membership.promote(needed(id));
    case "remove":
      return (id) => membership.remove(needed(id));
    case "move-leader":
      return (id) => membership.moveLeader(id);
    default:
      throw new ApiError(404, "NotFound", `Cannot change members: there is no way called "${name}"`);
  }
}
