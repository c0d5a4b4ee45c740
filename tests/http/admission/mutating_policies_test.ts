import { assertEquals } from "@std/assert";
import { harness, type Write } from "./harness.ts";

const rules = [{ apiGroups: ["", "apps"], apiVersions: ["v1"], resources: ["*", "*/scale"], operations: ["*"] }];
const map: Write = { text: "create configmaps in ns", object: { metadata: { name: "m" }, data: { a: "1" } } };
const deployment: Write = {
  text: "create apps:deployments in ns",
  object: {
    metadata: { name: "d" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  },
};
const apply = (expression: string) => ({ patchType: "ApplyConfiguration", applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: "JSONPatch", jsonPatch: { expression } });

interface Row {
  readonly name: string;
  readonly mutations: readonly object[];
  readonly spec?: Record<string, unknown>;
  readonly write?: Write;
  // deno-lint-ignore no-explicit-any
  readonly found?: (object: any) => unknown;
  readonly expected?: unknown;
  readonly says?: string;
}

const refused = (what: string, message: string) => `policy 'p' with binding 'b' denied request: ${message}${what}`;

const rows: readonly Row[] = [
  {
    name: "merges a configuration",
    mutations: [apply('Object{metadata: Object.metadata{labels: {"x": "y"}}, data: {"b": object.data.a + "!"}}')],
    found: ({ metadata: { labels }, data }) => [labels, data],
    expected: [{ x: "y" }, { a: "1", b: "1!" }],
  },
  {
    name: "merges lists by their keys",
    write: deployment,
    mutations: [apply(`Object{
      spec: Object.spec{ template: Object.spec.template{ spec: Object.spec.template.spec{
        containers: [Object.spec.template.spec.containers{ name: "side", image: "s" }] // one more
      } } } }`)],
    found: ({ spec }) => spec.template.spec.containers.map(({ name }: { name: string }) => name).sort(),
    expected: ["c", "side"],
  },
  {
    name: "leaves out optional fields without a value",
    mutations: [apply("Object{?data: optional.none(), ?immutable: optional.of(true)}")],
    found: ({ data, immutable }) => [data, immutable],
    expected: [{ a: "1" }, true],
  },
  {
    name: "applies patches",
    mutations: [patch(`[
      JSONPatch{op: "test", path: "/data/a", value: "1"},
      JSONPatch{op: "add", path: "/metadata/labels", value: {"b": "c"}},
      JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("k8s.io/x"), value: "y"}
    ] + (has(object.data.z) ? [] : [JSONPatch{op: "remove", path: "/data/a"}])`)],
    found: ({ metadata: { labels }, data }) => [labels, data],
    expected: [{ b: "c", "k8s.io/x": "y" }, undefined],
  },
  {
    name: "puts in objects that are written out",
    write: deployment,
    mutations: [
      patch('[JSONPatch{op: "add", path: "/spec/strategy", value: Object.spec.strategy{type: "Recreate"}}]'),
    ],
    found: ({ spec }) => spec.strategy,
    expected: { type: "Recreate" },
  },
  {
    name: "changes nothing when a test of a patch fails",
    mutations: [patch('[JSONPatch{op: "test", path: "/data/a", value: "2"}, JSONPatch{op: "remove", path: "/data"}]')],
    found: ({ data }) => data,
    expected: { a: "1" },
  },
  {
    name: "sees in a later mutation what an earlier one did",
    mutations: [apply('Object{data: {"b": "2"}}'), apply("Object{data: {'c': variables.d}}")],
    spec: { variables: [{ name: "d", expression: "object.data.b" }] },
    found: ({ data }) => data,
    expected: { a: "1", b: "2", c: "2" },
  },
  {
    name: "fills in the defaults of what it adds",
    write: { text: "create services in ns", object: { metadata: { name: "s" }, spec: {} } },
    mutations: [apply("Object{spec: Object.spec{ports: [Object.spec.ports{port: 80}]}}")],
    found: ({ spec }) => spec.ports[0].protocol,
    expected: "TCP",
  },
  {
    name: "changes a scale",
    write: {
      text: "update apps:deployments/scale d in ns",
      object: deployment.object!,
      old: deployment.object!,
    },
    mutations: [apply("Object{spec: Object.spec{replicas: object.spec.replicas + 4}}")],
    found: ({ spec }) => spec.replicas,
    expected: 5,
  },
  {
    name: "refuses a type that does not stand at its path",
    write: deployment,
    mutations: [apply("Object{spec: Object.spec{selector: Object.spec.wrong{}}}")],
    says: refused(
      "",
      'type mismatch: unexpected type name "Object.spec.wrong", expected "Object.spec.selector", which matches field ' +
        "name path from root Object type",
    ),
  },
  {
    name: "refuses to replace what is atomic",
    write: { text: "create pods in ns", object: { metadata: { name: "m" }, spec: { containers: [{ name: "c" }] } } },
    mutations: [
      apply('Object{spec: Object.spec{containers: [Object.spec.containers{name: "c", command: ["x"]}]}}'),
    ],
    says: refused(
      "",
      "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: " +
        ".spec.containers[0].command",
    ),
  },
  {
    name: "refuses fields that there are not",
    mutations: [apply("Object{spec: Object.spec{}}")],
    says: refused(
      "",
      "error applying patch: failed to convert patch object to typed object: .spec: field not declared in schema",
    ),
  },
  {
    name: "refuses where its expression fails",
    mutations: [apply("Object{data: {'b': object.data.z}}")],
    says: refused("", "expression 'Object{data: {'b': object.data.z}}' resulted in error: no such key: z"),
  },
  {
    name: "changes nothing where its expression fails and that is to be ignored",
    spec: { failurePolicy: "Ignore" },
    mutations: [apply("Object{data: {'b': object.data.z}}")],
    found: ({ data }) => data,
    expected: { a: "1" },
  },
  {
    name: "changes nothing where its conditions do not hold",
    spec: { matchConditions: [{ name: "c", expression: "object.data.a == '2'" }] },
    mutations: [apply("Object{data: {'b': '2'}}")],
    found: ({ data }) => data,
    expected: { a: "1" },
  },
];

for (const { name, mutations, spec = {}, write = map, found = () => undefined, expected, says } of rows) {
  Deno.test(`a mutating policy ${name}`, async () => {
    const world = await harness((api) => {
      const policy = { matchConstraints: { resourceRules: rules }, reinvocationPolicy: "Never", mutations, ...spec };
      api.put("mutatingadmissionpolicies", { metadata: { name: "p" }, spec: policy });
      api.put("mutatingadmissionpolicybindings", { metadata: { name: "b" }, spec: { policyName: "p" } });
    });
    const { object, error } = await world.run(write);
    world.stop();
    assertEquals([error?.message, error === undefined ? found(object) : undefined], [says, expected]);
  });
}

Deno.test("mutating policies that want it look again at what later ones changed, once", async () => {
  const world = await harness((api) => {
    const count = (name: string, key: string, reinvocationPolicy: string) => {
      const expression = `Object{data: {'${key}': string(size(object.data))}}`;
      const spec = { matchConstraints: { resourceRules: rules }, reinvocationPolicy, mutations: [apply(expression)] };
      api.put("mutatingadmissionpolicies", { metadata: { name }, spec });
      api.put("mutatingadmissionpolicybindings", { metadata: { name }, spec: { policyName: name } });
    };
    count("p1", "never", "Never");
    count("p2", "again", "IfNeeded");
    count("p3", "last", "Never");
  });
  const { object } = await world.run(map);
  world.stop();
  assertEquals(object.data, { a: "1", never: "1", again: "4", last: "3" });
});
