import { assert, assertEquals } from "@std/assert";
import { testApi } from "./test_api.ts";

const protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const cases: { name: string; accept: string; type: string }[] = [
  { name: "protobuf", accept: protobuf, type: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" },
  { name: "JSON when it is named first", accept: `application/json, ${protobuf}`, type: "application/json" },
  { name: "JSON to who accepts anything", accept: "*/*", type: "application/json" },
];
for (const { name, accept, type } of cases) {
  Deno.test(`/openapi/v2 answers ${name}`, async () => {
    const test = await testApi();
    const response = await test.request("/openapi/v2", { headers: { accept } });
    assertEquals([response.status, response.headers.get("content-type")], [200, type]);
    assert((await response.bytes()).length > 1_000_000);
    test.stop();
  });
}
