/** Refusals of what the URL or the store makes impossible. */
import { assertEquals } from "@std/assert";
import { storageRefusal } from "../../../http/machinery/engine.ts";
import type { ApiError, Status } from "../../../machines/objects/status.ts";
import { StorageError } from "../../../ports/storage.ts";
import { testApi } from "./test_api.ts";

Deno.test("an object that the store finds too large is refused with 413", () => {
  const { status } = storageRefusal(new StorageError("tooLarge", "too much")) as ApiError;
  assertEquals([status.code, status.reason, status.message], [
    413,
    "RequestEntityTooLarge",
    "Request entity too large: etcdserver: request is too large",
  ]);
});

const names: { sent: string; name: string }[] = [
  { sent: "a%0ab", name: "a\nb" },
  { sent: "a%20b", name: "a b" },
  { sent: "a%2Fb", name: "a/b" },
  { sent: "a%252Fb", name: "a%2Fb" },
  { sent: "a%25", name: "a%" },
  { sent: "%2541", name: "%41" },
];
for (const { sent, name } of names) {
  Deno.test(`a path is decoded once: ${sent} names ${JSON.stringify(name)}`, async () => {
    const { request, stop } = await testApi();
    const response = await request(`/api/v1/namespaces/default/secrets/${sent}`);
    const { message, details } = await response.json() as Status;
    stop();
    assertEquals([response.status, message, details?.name], [404, `secrets "${name}" not found`, name]);
  });
}
