import { assertEquals, assertStringIncludes } from "@std/assert";
import { createApp } from "../../../http/app.ts";
import { admin, testApi } from "./test_api.ts";

Deno.test("a bug in a request about secrets is reported without the values it may quote", async () => {
  const password = "hunter2-hunter2";
  const test = await testApi({
    admission: [{
      name: "Broken",
      admit: ({ object }) => {
        throw new SyntaxError(`Unexpected token in ${JSON.stringify(object)}`);
      },
    }],
  });
  const reported: string[] = [];
  const app = createApp({
    api: test.api,
    authenticator: { authenticate: () => Promise.resolve(admin) },
    serverAddress: "192.0.2.2:16443",
    health: { livez: [], readyz: [] },
    report: (error) => void reported.push(`${(error as Error).stack} ${Deno.inspect(error)}`),
  });
  const post = async (resource: string, body: unknown) => {
    const headers = { "content-type": "application/json" };
    const path = `/api/v1/namespaces/default/${resource}`;
    const response = await app.request(path, { method: "POST", headers, body: JSON.stringify(body) });
    return [response.status, await response.text()] as const;
  };
  const metadata = { name: "s" };
  const [code, text] = await post("secrets", { metadata, stringData: { password } });
  assertEquals([code, text.includes(password), reported.join().includes(password)], [500, false, false]);
  assertStringIncludes(reported.join(), "sensitive_test.ts");
  // Others are reported in full.
  await post("configmaps", { metadata, data: { password } });
  assertStringIncludes(reported.join(), password);
  test.stop();
});
