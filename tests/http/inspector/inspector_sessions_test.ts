import { assert, assertEquals } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { InspectorSessions } from "../../../http/inspector/inspector_sessions.ts";
import type { Credentials } from "../../../http/machinery/types.ts";

const ann = { name: "ann", groups: ["people"] };

function sessions() {
  const clock = new ManualClock();
  let next = 0;
  return { clock, sessions: new InspectorSessions({ clock, bytes: (count) => new Uint8Array(count).fill(++next) }) };
}

function credentials(cookie?: string, authorization?: string): Credentials {
  return { authorization, clientCertificate: undefined, headers: new Headers(cookie === undefined ? {} : { cookie }) };
}

const nobody = { authenticate: () => Promise.resolve(undefined) };

Deno.test("InspectorSessions exchanges a token once for a cookie that only the browser's own requests carry", async () => {
  const { sessions: held } = sessions();
  const token = held.token(ann);
  const cookie = held.exchange(token)!;
  for (const part of ["HttpOnly", "Secure", "SameSite=Strict", "Path=/inspect/"]) assert(cookie.includes(part), part);
  assertEquals(held.exchange(token), undefined);
  const user = await held.authenticator(nobody).authenticate(credentials(cookie.split(";")[0]));
  assertEquals(user, ann);
});

Deno.test("InspectorSessions refuses a token after two minutes and a cookie after twelve hours", async () => {
  const { sessions: held, clock } = sessions();
  const late = held.token(ann);
  clock.advance(120_000);
  assertEquals(held.exchange(late), undefined);
  const cookie = held.exchange(held.token(ann))!.split(";")[0];
  clock.advance(12 * 3_600_000);
  assertEquals(await held.authenticator(nobody).authenticate(credentials(cookie)), undefined);
});

Deno.test("InspectorSessions does not take whoever sends other credentials for the owner of a cookie", async () => {
  const { sessions: held } = sessions();
  const cookie = held.exchange(held.token(ann))!.split(";")[0];
  const bob = { name: "bob", groups: [] };
  const authenticator = held.authenticator({ authenticate: () => Promise.resolve(bob) });
  assertEquals(await authenticator.authenticate(credentials(cookie)), bob);
  assertEquals(await held.authenticator(nobody).authenticate(credentials(cookie, "Bearer x")), undefined);
});

Deno.test("InspectorSessions ends a session at a logout", async () => {
  const { sessions: held } = sessions();
  const cookie = held.exchange(held.token(ann))!.split(";")[0]!;
  assert(held.end(cookie).includes("Max-Age=0"));
  assertEquals(await held.authenticator(nobody).authenticate(credentials(cookie)), undefined);
});
