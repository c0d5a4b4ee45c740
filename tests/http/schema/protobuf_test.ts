import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { loadSchema } from "../../../http/schema/schema.ts";
import { decodeStruct } from "../../../http/schema/protobuf_decode.ts";
import { encodeStruct } from "../../../http/schema/protobuf_encode.ts";
import { findStruct, type GoField, type GoStruct, type GoType } from "../../../http/schema/go_types.ts";
import { ApiError } from "../../../machines/objects/status.ts";

const schema = loadSchema();
const type = "application/vnd.kubernetes.protobuf";
const utf8 = new TextEncoder();

/** A length-delimited field by hand. */
function field(number: number, body: string | readonly number[]): number[] {
  const bytes = typeof body === "string" ? [...utf8.encode(body)] : body;
  return [number << 3 | 2, bytes.length, ...bytes];
}

function envelope(apiVersion: string, kind: string, body: readonly number[]): Uint8Array {
  return new Uint8Array([
    ...[0x6b, 0x38, 0x73, 0],
    ...field(1, [...field(1, apiVersion), ...field(2, kind)]),
    ...field(2, body),
    ...field(3, ""),
    ...field(4, ""),
  ]);
}

const vectors: { name: string; apiVersion: string; kind: string; body: number[]; object: Record<string, unknown> }[] = [
  {
    name: "strings, maps and times",
    apiVersion: "v1",
    kind: "ConfigMap",
    body: [
      ...field(1, [
        ...field(1, "a"),
        ...field(8, [0x08, 0x80, 0xa3, 0x9b, 0xf0, 0x06]),
        ...field(11, [...field(1, "k"), ...field(2, "v")]),
      ]),
      ...field(2, [...field(1, "x"), ...field(2, "1")]),
      ...field(3, [...field(1, "b"), ...field(2, [1, 2, 3])]),
    ],
    object: {
      metadata: { name: "a", creationTimestamp: "2028-06-30T01:16:48Z", labels: { k: "v" } },
      data: { x: "1" },
      binaryData: { b: "AQID" },
    },
  },
  {
    name: "an embedded message, quantities, integers, and zero values that are left out",
    apiVersion: "v1",
    kind: "Pod",
    body: [
      ...field(1, [...field(1, "p"), ...field(3, ""), 0x38, 0]),
      ...field(2, [
        ...field(1, [...field(1, "tmp"), ...field(2, field(2, field(1, "Memory")))]),
        ...field(2, [
          ...field(1, "c"),
          ...field(8, field(1, [...field(1, "cpu"), ...field(2, field(1, "0.5"))])),
          ...field(10, [...field(1, field(2, field(2, [0x08, 0, 0x10, 0x50, ...field(3, "")]))), 0x10, 5]),
        ]),
        0x20,
        0x1e,
        0x58,
        0,
      ]),
      ...field(3, []),
    ],
    object: {
      metadata: { name: "p" },
      spec: {
        volumes: [{ name: "tmp", emptyDir: { medium: "Memory" } }],
        containers: [{
          name: "c",
          resources: { limits: { cpu: "500m" } },
          livenessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 5 },
        }],
        terminationGracePeriodSeconds: 30,
      },
      status: {},
    },
  },
  {
    name: "a review with wrapped lists as map values",
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    body: field(2, [
      ...field(3, "joe"),
      ...field(5, [...field(1, "scopes"), ...field(2, [...field(1, "a"), ...field(1, "b")])]),
    ]),
    object: { metadata: {}, spec: { user: "joe", extra: { scopes: ["a", "b"] } }, status: { allowed: false } },
  },
];
for (const { name, apiVersion, kind, body, object } of vectors) {
  Deno.test(`decode reads protobuf: ${name}`, () => {
    const decoded = schema.decode(envelope(apiVersion, kind, body), type, undefined, "Strict");
    assertEquals(decoded, { object: { apiVersion, kind, ...object } as never, errors: [] });
  });
}

Deno.test("decode passes over numbers it does not know", () => {
  const body = [...field(1, [...field(1, "a"), ...field(99, "new")])];
  const { object } = schema.decode(envelope("v1", "Namespace", body), type, undefined, "Strict");
  assertEquals(object.metadata.name, "a");
});

const pod = { group: "", version: "v1", kind: "Pod" };
const broken: { name: string; bytes: Uint8Array; message: string }[] = [
  {
    name: "without the magic prefix",
    bytes: utf8.encode("{}"),
    message:
      "the object provided is unrecognized (must be of type Pod): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})",
  },
  {
    name: "that ends early",
    bytes: envelope("v1", "Pod", [0x0a, 0x7f, 0x01]),
    message: `Pod in version "v1" cannot be handled as a Pod: index out of range: 2 + 127 > 3`,
  },
  {
    name: "of an unknown kind",
    bytes: envelope("v1", "Nope", []),
    message:
      `Nope in version "v1" cannot be handled as a Pod: no kind "Nope" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
  },
];
for (const { name, bytes, message } of broken) {
  Deno.test(`decode refuses protobuf ${name}`, () => {
    const error = assertThrows(() => schema.decode(bytes, type, pod, "Strict"), ApiError);
    assertEquals([error.code, error.message], [400, message]);
  });
}

/** Random values of a Go type, in the form that JSON has; `depth` ends types that contain themselves. */
function valuesOf(goType: GoType, depth: number): fc.Arbitrary<unknown> {
  switch (goType.kind) {
    case "string":
      return fc.string();
    case "bool":
      return fc.boolean();
    case "int":
      return goType.bits === 32 ? fc.integer() : fc.maxSafeInteger();
    case "float":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number === 0 ? 0 : number);
    case "bytes":
      return fc.uint8Array().map((bytes) => bytes.toBase64());
    case "quantity":
      return fc.constantFrom("1", "100m", "5Gi", "2k");
    case "time":
      return fc.integer({ min: -62135596799, max: 253402300799 }).map((s) =>
        new Date(s * 1000).toISOString().replace(".000", "")
      );
    case "microTime":
      return fc.integer({ min: 0, max: 4102444800 }).map((s) =>
        new Date(s * 1000).toISOString().replace("000Z", "000001Z")
      );
    case "duration":
      return fc.constantFrom("0s", "1.5s", "1h0m5s", "20ms");
    case "intOrString":
      return fc.oneof(fc.integer(), fc.string());
    case "any":
      return fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())).map((object) => ({ ...object }));
    case "struct":
      return structValues(goType.struct as GoStruct, depth - 1);
    case "list":
      return fc.array(valuesOf(goType.element as GoType, depth), { minLength: 1, maxLength: 2 });
    case "map":
      return fc.dictionary(fc.string(), valuesOf(goType.element as GoType, depth), {
        minKeys: 1,
        maxKeys: 2,
        noNullPrototype: true,
      });
    case "schemaOrBool":
      return fc.boolean();
    default:
      return fc.constant(["x"]).map((items) => goType.kind === "schemaOrStrings" ? items : [{ type: "x" }]);
  }
}

function structValues(struct: GoStruct, depth: number): fc.Arbitrary<unknown> {
  const fields = [...struct.fields.values()].filter(({ numbers, type }) =>
    numbers.length > 0 && (depth > 0 || !["struct", "list", "map"].includes(type.kind))
  );
  const model = Object.fromEntries(fields.map((each: GoField) => [each.name, valuesOf(each.type, depth)]));
  return fc.record(model, { requiredKeys: [], noNullPrototype: true });
}

for (
  const key of [
    "core/v1.Pod",
    "core/v1.Service",
    "core/v1.PersistentVolume",
    "core/v1.Event",
    "batch/v1.Job",
    "networking/v1.Ingress",
    "admissionregistration/v1.ValidatingAdmissionPolicy",
    "apiextensions/v1.CustomResourceDefinition",
    "resource/v1.ResourceSlice",
    "authentication/v1.TokenReview",
  ]
) {
  Deno.test(`protobuf round trip keeps any ${key}`, () => {
    const struct = findStruct(key) as GoStruct;
    fc.assert(
      fc.property(structValues(struct, 5), (object) => {
        assertEquals(decodeStruct(struct, encodeStruct(struct, object as Record<string, unknown>)) as unknown, object);
      }),
      { numRuns: 30 },
    );
  });
}

Deno.test("encodeStruct writes maps in the order of their keys, whatever order they were made in", () => {
  const struct = findStruct("core/v1.ConfigMap")!;
  assertEquals(encodeStruct(struct, { data: { b: "2", a: "1" } }), encodeStruct(struct, { data: { a: "1", b: "2" } }));
});
