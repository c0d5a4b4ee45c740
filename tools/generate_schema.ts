/**
 * Makes http/schema/generated/definitions_text.ts (shapes of every definition of OpenAPI v3: no descriptions) out of
 * the recorded answers of a real API server, one definition a line.
 *
 *     deno run -A tools/generate_schema.ts [--check]
 */
import { recorded } from "./recorded.ts";
import { jsonModule, writeOrCheck } from "./write_or_check.ts";

const folder = new URL("../http/schema/generated/", import.meta.url);

const { schemas } = recorded("openapi-v3-structure.json") as { schemas: Record<string, unknown> };
const rows = Object.entries(schemas).map(([name, schema]) => `${JSON.stringify(name)}: ${JSON.stringify(schema)}`);
writeOrCheck(
  new URL("definitions_text.ts", folder),
  jsonModule("definitionsText", "OpenAPI v3 definitions without descriptions.", `{\n${rows.join(",\n")}\n}`),
);
