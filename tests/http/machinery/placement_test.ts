import { assertEquals } from "@std/assert";
import { testApi } from "./test_api.ts";

const inside = "/api/v1/namespaces/a/namespaces";

/** Rights in namespace `a` are asked for with these, so they must not reach beyond it. */
const asked: { title: string; method: string; path: string; body?: string }[] = [
  { title: "another namespace", method: "GET", path: `${inside}/b` },
  { title: "a change of another namespace", method: "PUT", path: `${inside}/b`, body: '{"metadata":{"name":"b"}}' },
  { title: "the end of another namespace", method: "DELETE", path: `${inside}/b` },
  { title: "all namespaces", method: "GET", path: inside },
  { title: "a watch of all namespaces", method: "GET", path: `${inside}?watch=true` },
  { title: "a new namespace", method: "POST", path: inside, body: '{"metadata":{"name":"c"}}' },
  { title: "the end of all namespaces", method: "DELETE", path: inside },
];
for (const { title, method, path, body } of asked) {
  Deno.test(`a namespace holds no namespaces: rights in one do not reach ${title}`, async () => {
    const world = await testApi();
    const headers = { "content-type": "application/json" };
    for (const name of ["a", "b"]) {
      const made = await world.request("/api/v1/namespaces", {
        method: "POST",
        headers,
        body: JSON.stringify({ metadata: { name } }),
      });
      assertEquals(made.status, 201);
    }
    const answer = await world.request(path, { method, headers, ...(body === undefined ? {} : { body }) });
    await answer.body?.cancel();
    assertEquals([404, 405].includes(answer.status), true, `${method} ${path} came to ${answer.status}`);
    world.stop();
  });
}

Deno.test("what every object of the language has is no subresource, and no key of a map", async () => {
  const world = await testApi();
  const headers = { "content-type": "application/json" };
  const create = (path: string, body: unknown) =>
    world.request(path, { method: "POST", headers, body: JSON.stringify(body) });
  await create("/api/v1/namespaces", { metadata: { name: "a" } });
  const made = await create("/api/v1/namespaces/a/configmaps", {
    metadata: { name: "c" },
    data: { constructor: "x", toString: "y" },
  });
  assertEquals(made.status, 201);
  for (const name of ["constructor", "toString", "hasOwnProperty"]) {
    const answer = await world.request(`/api/v1/namespaces/a/configmaps/c/${name}`);
    assertEquals(answer.status, 404, name);
  }
  world.stop();
});
