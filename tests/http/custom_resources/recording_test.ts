import type { CustomResources } from "../../../http/custom_resources/custom_resources.ts";
import { followDefinitions } from "../../../http/custom_resources/custom_resources.ts";
import { CustomSchema } from "../../../http/custom_resources/custom_schema.ts";
import type { SchemaAccess } from "../../../http/machinery/schema_access.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { compared } from "../machinery/deviations.ts";
import { normalised } from "../machinery/normalise.ts";
import { admin, type TestApi, testApi } from "../machinery/test_api.ts";
import { recorded } from "../oracle.ts";

interface Step {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly response: unknown;
  readonly warning?: string;
}

const scenarios = recorded<{ name: string; namespace: string; steps: Step[] }[]>("scenarios.json") ?? [];

/** Steps that are answered differently, each with its reason. */
const deviations: Readonly<Record<number, string>> = {
  3: "verbs and subresources are in alphabetical order, as those of built-in resources are",
};

/** As objects: a schema of the tests' API is spread. */
function membersOf(schema: CustomSchema): Partial<SchemaAccess> {
  return {
    decode: (...given) => schema.decode(...given),
    decodeValue: (...given) => schema.decodeValue(...given),
    typeOf: (gvk) => schema.typeOf(gvk),
    openapiV3: (path) => schema.openapiV3(path),
    openapiV3Index: () => schema.openapiV3Index(),
  };
}

async function started(): Promise<{ test: TestApi; custom: CustomResources }> {
  const schema = new CustomSchema(loadSchema());
  const test = await testApi({ schema: membersOf(schema) });
  const { api, clock } = test;
  const custom = followDefinitions({
    api,
    schema,
    client: api.client({ ...admin, name: "kube-apiserver" }),
    clock,
    report: console.error,
  });
  await custom.ready;
  return { test, custom };
}

for (const scenario of scenarios.filter(({ name }) => name === "custom resources")) {
  Deno.test("the API serves custom resources as recorded", async (t) => {
    const { test, custom } = await started();
    const { namespace } = scenario;
    for (const [index, step] of scenario.steps.entries()) {
      if (step.method === "SLEEP") {
        for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
        continue;
      }
      const body = typeof step.body === "string" ? step.body : JSON.stringify(step.body);
      const response = await test.request(step.path.replace("$NS", namespace), {
        method: step.method,
        headers: { "user-agent": "Deno/2.9.3", "content-type": "application/json", ...step.headers },
        ...(step.body === undefined ? {} : { body: body.replaceAll("$NS", namespace) }),
      });
      const actual = {
        code: response.status,
        answer: normalised(await response.json(), namespace),
        warning: response.headers.get("warning") ?? undefined,
      };
      const expected = { code: step.code, answer: normalised(step.response, namespace), warning: step.warning };
      await t.step(`${index} ${step.method} ${step.path}`, () => compared(actual, expected, deviations[index]));
    }
    custom.stop();
    test.stop();
  });
}
