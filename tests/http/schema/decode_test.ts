import { assertEquals, assertThrows } from "@std/assert";
import { loadSchema } from "../../../http/schema/schema.ts";
import { ApiError } from "../../../machines/objects/status.ts";

const schema = loadSchema();
const utf8 = new TextEncoder();
const pod = { group: "", version: "v1", kind: "Pod" };
const configMap = { group: "", version: "v1", kind: "ConfigMap" };

function decode(text: string, gvk = pod, type = "application/json", validation: "Strict" | "Warn" | "Ignore" = "Warn") {
  const { object, errors } = schema.decode(utf8.encode(text), type, gvk, validation);
  return { object: object as unknown, errors };
}

const accepted: { name: string; text: string; object: unknown; errors?: string[]; type?: string }[] = [
  { name: "takes null for absent", text: `{"metadata":{"labels":null},"data":null}`, object: { metadata: {} } },
  { name: "leaves empty maps out", text: `{"metadata":{"labels":{}},"data":{}}`, object: { metadata: {} } },
  {
    name: "reads null in a map of strings as empty",
    text: `{"data":{"a":null}}`,
    object: { metadata: {}, data: { a: "" } },
  },
  {
    name: "drops and names unknown fields, in the order of the text, each once",
    text: `{"zz":1,"metadata":{"name":"a","b":{"c":1}},"aa":2,"zz":3}`,
    object: { metadata: { name: "a" } },
    errors: [`unknown field "zz"`, `unknown field "metadata.b"`, `unknown field "aa"`],
  },
  {
    name: "names duplicate fields of structs and maps, the last one counting",
    text: `{"data":{"a":"1","a":"2"},"metadata":{"name":"a","name":"b"}}`,
    object: { metadata: { name: "b" }, data: { a: "2" } },
    errors: [`duplicate field "data.a"`, `duplicate field "metadata.name"`],
  },
  {
    name: "tells fields apart by case",
    text: `{"Data":{"a":"1"}}`,
    object: { metadata: {} },
    errors: [`unknown field "Data"`],
  },
  {
    name: "keeps a key that JavaScript gives a meaning",
    text: `{"data":{"__proto__":"x","constructor":"y"}}`,
    object: { metadata: {}, data: JSON.parse(`{"__proto__":"x","constructor":"y"}`) },
  },
  {
    name: "unfolds times to UTC",
    text: `{"metadata":{"deletionTimestamp":"2026-02-28T23:30:00-01:30"}}`,
    object: { metadata: { deletionTimestamp: "2026-03-01T01:00:00Z" } },
  },
  {
    name: "reads YAML 1.1",
    type: "application/yaml",
    text: "data:\n  a: |\n    x\nmetadata: {name: b}\nimmutable: yes\n",
    object: { metadata: { name: "b" }, data: { a: "x\n" }, immutable: true },
  },
  {
    name: "keeps times, sexagesimals and quoted scalars of YAML as texts, and reads old octals",
    type: "application/yaml",
    text:
      "# a comment\n---\ndata: {d: 2026-01-02, s: 1:30, q: 'yes', t: 2026-01-02T03:04:05Z}\nmetadata: {generation: 010}\n",
    object: {
      data: { d: "2026-01-02", s: "1:30", q: "yes", t: "2026-01-02T03:04:05Z" },
      metadata: { generation: 8 },
    },
  },
  {
    name: "names duplicate keys of YAML",
    type: "application/yaml",
    text: "data:\n  a: x\n  a: z\n",
    object: { metadata: {}, data: { a: "z" } },
    errors: [`yaml: unmarshal errors:\n  line 3: key "a" already set in map`],
  },
];
for (const { name, text, object, errors = [], type } of accepted) {
  Deno.test(`decode ${name}`, () => {
    const wanted = { apiVersion: "v1", kind: "ConfigMap", ...object as Record<string, unknown> };
    assertEquals(decode(text, configMap, type), { object: wanted, errors });
  });
}

Deno.test("decode writes quantities in canonical form and fills in what Go always writes", () => {
  const { object } = decode(
    `{"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":0.5,"memory":"1024Mi"}}},{"name":"b"}]}}`,
  );
  assertEquals((object as { spec: unknown }).spec, {
    containers: [{ name: "a", resources: { limits: { cpu: "500m", memory: "1Gi" } } }, { name: "b", resources: {} }],
  });
});

const inPod = (text: string) => `Pod in version "v1" cannot be handled as a Pod: ${text}`;
const refused: { name: string; text: string; message: string; type?: string }[] = [
  {
    name: "an integer written as a float, as it was written",
    text: `{"spec":{"priority":1.0}}`,
    message: inPod("json: cannot unmarshal number 1.0 into Go struct field PodSpec.spec.priority of type int32"),
  },
  {
    name: "an integer out of range",
    text: `{"spec":{"priority":3000000000}}`,
    message: inPod("json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32"),
  },
  {
    name: "the first of several type errors",
    text: `{"spec":{"nodeName":1,"priority":"x"}}`,
    message: inPod("json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string"),
  },
  {
    name: "a quantity before any type error, as its own decoder stops Go",
    text: `{"spec":{"nodeName":1,"overhead":{"cpu":"x"}}}`,
    message: inPod("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
  },
  {
    name: "a type error before unknown fields",
    text: `{"spec":{"nope":1,"nodeName":1}}`,
    message: inPod("json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string"),
  },
  {
    name: "a day that does not exist",
    text: `{"metadata":{"deletionTimestamp":"2026-02-30T00:00:00Z"}}`,
    message: inPod(`parsing time "2026-02-30T00:00:00Z": day out of range`),
  },
  {
    name: "another kind",
    text: `{"apiVersion":"v1","kind":"ConfigMap"}`,
    message:
      `ConfigMap in version "v1" cannot be handled as a Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion`,
  },
  {
    name: "a body that ends early",
    text: `{"spec":`,
    message:
      `the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: unexpected end of JSON input ({"spec":)`,
  },
  {
    name: "a body nested deeper than Go reads",
    text: `{"spec":${"[".repeat(10_001)}${"]".repeat(10_001)}}`,
    message:
      `the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: exceeded max depth ({"spec":[[[[[[[[[[[[[[[[[[[[[[ ...)`,
  },
  {
    name: "an empty body",
    text: "",
    message:
      "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
  },
  {
    name: "the YAML bool y for a name",
    type: "application/yaml",
    text: "metadata: {name: y}\n",
    message: inPod("json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string"),
  },
];
for (const { name, text, message, type } of refused) {
  Deno.test(`decode refuses ${name}`, () => {
    const error = assertThrows(() => decode(text, pod, type, "Strict"), ApiError);
    assertEquals([error.code, error.reason, error.message], [400, "BadRequest", message]);
  });
}

Deno.test("decode refuses the same kind of another version or group", () => {
  const event = { group: "", version: "v1", kind: "Event" };
  const error = assertThrows(() => decode(`{"apiVersion":"events.k8s.io/v1","kind":"Event"}`, event), ApiError);
  assertEquals(
    error.message,
    "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)",
  );
});

Deno.test("decode refuses an unknown media type with 415", () => {
  const error = assertThrows(() => decode("{}", pod, "text/plain"), ApiError);
  assertEquals([error.code, error.reason], [415, "UnsupportedMediaType"]);
});

Deno.test("decode does not change a value that it is handed parsed", () => {
  const value = { metadata: { name: "a", labels: null }, spec: { nope: 1, containers: [{ name: "c" }] } };
  const before = structuredClone(value);
  schema.decodeValue(value, pod, "Warn");
  assertEquals(value, before);
});

Deno.test("decode of a custom kind names duplicates and checks nothing else", () => {
  const widget = { group: "e.com", version: "v1", kind: "Widget" };
  const text = `{"apiVersion":"e.com/v1","kind":"Widget","spec":{"list":[{"a":1,"a":2}],"b":null}}`;
  assertEquals(schema.decode(utf8.encode(text), "application/json", widget, "Strict"), {
    object: { apiVersion: "e.com/v1", kind: "Widget", spec: { list: [{ a: 2 }], b: null } } as never,
    errors: [`duplicate field "spec.list[0].a"`],
  });
});

Deno.test("decode returns strict errors, also under Strict, and none under Ignore", () => {
  const text = `{"spec":{"nope":1},"metadata":{"name":"a","name":"b"}}`;
  const errors = [`unknown field "spec.nope"`, `duplicate field "metadata.name"`];
  assertEquals(decode(text, pod, "application/json", "Strict").errors, errors);
  assertEquals(decode(text, pod, "application/json", "Ignore").errors, []);
});

Deno.test("a refusal carries the decoder's own text as its cause", () => {
  const error = assertThrows(() => schema.decodeValue({ spec: { nodeName: 1 } }, pod, "Strict"), ApiError);
  assertEquals(error.cause, "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string");
});

Deno.test("DeleteOptions are known in every group version", () => {
  const gvk = { group: "apps", version: "v1", kind: "DeleteOptions" };
  const text = `{"apiVersion":"apps/v1","kind":"DeleteOptions","propagationPolicy":"Orphan"}`;
  const { object } = schema.decode(utf8.encode(text), "application/json", gvk, "Strict");
  assertEquals(object as unknown, { apiVersion: "apps/v1", kind: "DeleteOptions", propagationPolicy: "Orphan" });
  assertEquals(schema.knows({ ...gvk, group: "nope" }), false);
});
