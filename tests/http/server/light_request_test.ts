import { assertEquals, assertRejects } from "@std/assert";
import { Readable } from "node:stream";
import { ApiError } from "../../../machines/objects/status.ts";
import { NodeRequest } from "../../../http/server/incoming_request.ts";
import { lightRequest } from "../../../http/server/light_request.ts";

function incoming(): Readable & { method: string; url: string; headers: Record<string, string> } {
  return Object.assign(new Readable({ read() {} }), { method: "POST", url: "/", headers: {} });
}

function never(): AbortSignal {
  throw new Error("Nobody asked for the signal");
}

Deno.test("a body that is not whole in time is refused with 408, and what carries it is cut", async () => {
  const slow = incoming();
  slow.push("{");
  const cut = new Promise<void>((resolve) => slow.on("close", () => resolve()));
  const error = await assertRejects(
    () => lightRequest(new NodeRequest(slow), "https://h", never, 10).bytes(),
    ApiError,
  );
  const { code, reason, message } = error.status;
  assertEquals({ code, reason, message }, {
    code: 408,
    reason: "Timeout",
    message: "Timeout: the request's body did not come within 1 seconds",
  });
  await cut;
});

Deno.test("a body that comes in pieces is read whole, and nothing waits afterwards", async () => {
  const whole = incoming();
  const read = lightRequest(new NodeRequest(whole), "https://h", never, 60_000).bytes();
  for (const piece of ["ab", "c"]) whole.push(piece);
  whole.push(null);
  assertEquals(new TextDecoder().decode(await read), "abc");
});
