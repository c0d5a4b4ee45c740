/** Custom resources with stock kubectl: defined, served, judged, scaled, explained and taken away. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { kubectlSuite } from "../support/kubectl_suite.ts";

const test = kubectlSuite("custom-resources");

const group = "stable.example.com";
const definition = (plural: string, kind: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural, kind, singular: kind.toLowerCase(), shortNames: [plural.slice(0, 3)], categories: ["all"] },
    versions: [{
      name: "v1",
      served: true,
      storage: true,
      subresources: {
        status: {},
        scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
      },
      additionalPrinterColumns: [
        { name: "Spec", type: "string", jsonPath: ".spec.cronSpec" },
        { name: "Replicas", type: "integer", jsonPath: ".spec.replicas" },
      ],
      schema: {
        openAPIV3Schema: {
          type: "object",
          properties: {
            spec: {
              type: "object",
              required: ["cronSpec"],
              "x-kubernetes-validations": [{
                rule: "self.minReplicas <= self.replicas",
                message: "replicas must not be below minReplicas",
              }],
              properties: {
                cronSpec: { type: "string", description: "When it runs." },
                replicas: { type: "integer", minimum: 1, default: 1 },
                minReplicas: { type: "integer", default: 0 },
              },
            },
            status: { type: "object", properties: { replicas: { type: "integer" } } },
          },
        },
      },
    }],
  },
});

const instance = (kind: string, name: string, spec: object) => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name },
  spec,
});

test("kubectl defines a resource and uses it like any other", async ({ kubectl }) => {
  const apply = (object: object) => kubectl.ok("apply -f -", { input: JSON.stringify(object) });
  await apply(definition("crontabs", "CronTab"));
  await kubectl.ok(`wait crd/crontabs.${group} --for=condition=Established --timeout=20s`);
  assertStringIncludes(
    await apply(instance("CronTab", "one", { cronSpec: "* * * * *" })),
    `crontab.${group}/one created`,
  );
  assertMatch(await kubectl.ok("get cro"), /^NAME +SPEC +REPLICAS\none +\* \* \* \* \* +1$/);
  assertStringIncludes(await kubectl.ok("get all"), `crontab.${group}/one`);
  await kubectl.ok("scale crontab/one --replicas=3");
  assertEquals(await kubectl.ok("get crontab one -o jsonpath={.spec.replicas}:{.metadata.generation}"), "3:2");
  assertStringIncludes(await kubectl.ok("explain crontab.spec.cronSpec"), "When it runs.");
  assertStringIncludes(await kubectl.ok("api-resources"), `${group}/v1`);
  await kubectl.ok([
    "patch",
    "crontab",
    "one",
    "--subresource=status",
    "--type=merge",
    "-p",
    '{"status":{"replicas":3}}',
  ]);
  assertEquals(await kubectl.ok("get crontab one -o jsonpath={.status.replicas}"), "3");
  await kubectl.ok(`delete crd crontabs.${group} --timeout=30s`);
  assertStringIncludes(await kubectl.fails("get crontabs"), "the server could not find the requested resource");
});

const refusals: { why: string; spec: object; says: string }[] = [
  { why: "a field is not declared", spec: { cronSpec: "x", nope: 1 }, says: 'unknown field "spec.nope"' },
  { why: "a field is missing", spec: {}, says: "spec.cronSpec: Required value" },
  {
    why: "a type is wrong",
    spec: { cronSpec: 1 },
    says: 'spec.cronSpec: Invalid value: "integer": spec.cronSpec in body must be of type string: "integer"',
  },
  {
    why: "a number is too small",
    spec: { cronSpec: "x", replicas: 0 },
    says: "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1",
  },
  {
    why: "a rule is broken",
    spec: { cronSpec: "x", minReplicas: 5 },
    says: "spec: Invalid value: replicas must not be below minReplicas",
  },
];
test("kubectl is told why an instance is refused", async ({ kubectl }) => {
  await kubectl.ok("apply -f -", { input: JSON.stringify(definition("timers", "Timer")) });
  await kubectl.ok(`wait crd/timers.${group} --for=condition=Established --timeout=20s`);
  for (const { why, spec, says } of refusals) {
    const said = await kubectl.fails("create -f -", { input: JSON.stringify(instance("Timer", "bad", spec)) });
    assertStringIncludes(said, says, why);
  }
  assertEquals(await kubectl.ok("get timers"), "");
});
