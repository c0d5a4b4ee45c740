import { assertEquals } from "@std/assert";
import { typeWarnings } from "../../../http/admission/policies/type_check.ts";
import { ResourceRegistry } from "../../../http/machinery/resource_registry.ts";
import { builtInResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";

const rule = (...resources: string[]) => [{ apiGroups: ["apps"], apiVersions: ["v1"], resources, operations: ["*"] }];
const rows: { name: string; spec: Record<string, unknown>; rules?: object[]; warnings: readonly string[] }[] = [
  {
    name: "says nothing of fields that there are",
    spec: { validations: [{ expression: "object.spec.replicas > 1" }] },
    warnings: [],
  },
  {
    name: "tells a field that there is not, of each kind",
    spec: { validations: [{ expression: "object.replicas > 1", messageExpression: "object.metadata.name" }] },
    rules: rule("deployments", "statefulsets"),
    warnings: [
      "spec.validations[0].expression: " +
      ["Deployment", "StatefulSet"].map((kind) =>
        `apps/v1, Kind=${kind}: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n`
      ).join("\n"),
    ],
  },
  {
    name: "knows the types of variables",
    spec: {
      variables: [{ name: "r", expression: "object.spec.replicas" }],
      validations: [{ expression: "variables.r == 'a'" }],
    },
    warnings: [
      "spec.validations[0].expression: apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for " +
      "'_==_' applied to '(int, string)'\n | variables.r == 'a'\n | ............^\n",
    ],
  },
  {
    name: "says nothing where rules name no kind",
    spec: { validations: [{ expression: "object.replicas > 1" }] },
    rules: rule("*"),
    warnings: [],
  },
];
for (const { name, spec, rules = rule("deployments"), warnings } of rows) {
  Deno.test(`typeWarnings ${name}`, async () => {
    const policy = { metadata: { name: "p" }, spec: { matchConstraints: { resourceRules: rules }, ...spec } };
    const found = await typeWarnings(
      policy as unknown as KubeObject,
      new ResourceRegistry(builtInResources),
      loadSchema(),
    );
    assertEquals(found.map(({ fieldRef, warning }) => `${fieldRef}: ${warning}`), warnings);
  });
}
