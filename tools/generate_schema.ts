/**
 * Makes http/schema/generated/definitions_text.ts (shapes of every definition of OpenAPI v3: no descriptions, one a
 * line) and paths_text.ts (paths and what their methods do) out of the recorded answers of a real API server.
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

interface Operation {
  readonly action: string | null;
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string } | null;
  readonly operationId: string;
}

/** `list Deployment listAppsV1NamespacedDeployment`; a kind of another group version is written in full. */
function rowOf({ action, gvk, operationId }: Operation, path: string): string {
  if (action === null || gvk === null) return operationId;
  const home = gvk.group === "" ? `/api/${gvk.version}/` : `/apis/${gvk.group}/${gvk.version}/`;
  const kind = path.startsWith(home) ? gvk.kind : `${gvk.group}/${gvk.version}/${gvk.kind}`;
  return `${action} ${kind} ${operationId}`;
}

const paths = recorded("openapi-v3-paths.json") as Record<string, Record<string, Operation>>;
const pathRows = Object.entries(paths).map(([path, methods]) => {
  const row = Object.fromEntries(Object.entries(methods).map(([method, each]) => [method, rowOf(each, path)]));
  return `${JSON.stringify(path)}: ${JSON.stringify(row)}`;
});
const v2 = recorded("openapi-v2-structure.json") as Record<string, { "x-kubernetes-group-version-kind"?: unknown }>;
const everywhere = v2["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"]?.["x-kubernetes-group-version-kind"];
const groupVersions = (everywhere as { group: string; version: string }[]).map(({ group, version }) =>
  group === "" ? version : `${group}/${version}`
);
writeOrCheck(
  new URL("paths_text.ts", folder),
  jsonModule(
    "pathsText",
    "Paths and methods, and the group versions in which DeleteOptions and WatchEvent are known.",
    `{"groupVersions": ${JSON.stringify(groupVersions)},\n"paths": {\n${pathRows.join(",\n")}\n}}`,
  ),
);
