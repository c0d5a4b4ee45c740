import { assert, assertEquals } from "@std/assert";
import { testApi } from "./test_api.ts";

async function create(body: string): Promise<{ status: number; warnings: string }> {
  const world = await testApi();
  const headers = { "content-type": "application/json" };
  await world.request("/api/v1/namespaces", { method: "POST", headers, body: '{"metadata":{"name":"a"}}' });
  const path = "/api/v1/namespaces/a/configmaps?fieldValidation=Warn";
  const answer = await world.request(path, { method: "POST", headers, body });
  await answer.body?.cancel();
  world.stop();
  return { status: answer.status, warnings: answer.headers.get("warning") ?? "" };
}

Deno.test("a warning may say anything: a client's own words break no header", async () => {
  const name = 'é中\r\nSet-Cookie: a\u007f\u0000"';
  const { status, warnings } = await create(`{"metadata":{"name":"c"},${JSON.stringify(name)}:1}`);
  assertEquals(status, 201);
  assert(/^[\t\x20-\x7e\x80-\xff]*$/.test(warnings), warnings);
  assert(new TextDecoder().decode(Uint8Array.from(warnings, (c) => c.charCodeAt(0))).includes("é中"), warnings);
});

Deno.test("warnings are bounded, however much there is to warn of", async () => {
  const unknown = Array.from({ length: 2_000 }, (_, index) => `"${"x".repeat(300)}${index}":1`).join(",");
  const { status, warnings } = await create(`{"metadata":{"name":"c"},${unknown}}`);
  assertEquals(status, 201);
  assert(warnings.length > 0 && warnings.length < 8_192, String(warnings.length));
});
