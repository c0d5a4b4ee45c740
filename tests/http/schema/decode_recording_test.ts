/** Decoding against what a real API server answered: every recorded mutant, and every stored object. */
import { assertEquals } from "@std/assert";
import { loadSchema } from "../../../http/schema/schema.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { parseApiVersion } from "../../../http/schema/kinds.ts";
import { mutate } from "./mutants.ts";
import { recordedKinds, recording } from "./recording.ts";

interface Answer {
  readonly code: number;
  readonly message?: string;
  readonly warnings?: readonly string[];
}

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly manifest: Record<string, unknown>;
  readonly create: {
    readonly mutants: readonly (Answer & { path: (string | number)[]; how: string })[];
    readonly unknown: { readonly strict: Answer; readonly warn: Answer };
    readonly wrongKind: Answer;
    readonly wrongVersion: Answer;
    readonly notJson: Answer;
    readonly array: Answer;
    readonly response: { readonly body: Record<string, unknown> };
  };
}

/** Refusals with 400 that come after decoding, from a resource's own handler. */
const laterRefusals = new Set(["no namespace on request", "token is required for TokenReview in authentication"]);
const schema = loadSchema();
const utf8 = new TextEncoder();

function refusal(kind: Kind, body: unknown): string {
  const gvk = { ...parseApiVersion(kind.apiVersion) ?? { group: "", version: "" }, kind: kind.kind };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  try {
    const { errors } = schema.decode(utf8.encode(text), "application/json", gvk, "Strict");
    const frame = `${kind.kind} in version "${gvk.version}" cannot be handled as a ${kind.kind}`;
    return errors.length === 0 ? "" : `${frame}: strict decoding error: ${errors.join(", ")}`;
  } catch (error) {
    if (error instanceof ApiError && error.code === 400 && error.reason === "BadRequest") return error.message;
    throw error;
  }
}

for (const name of recordedKinds()) {
  const kind = recording(`kinds/${name}`) as Kind;
  const gvk = { ...parseApiVersion(kind.apiVersion) ?? { group: "", version: "" }, kind: kind.kind };

  Deno.test(`decode refuses the mutants of ${name} that a real server's decoder refuses, in its words`, () => {
    const deviations: unknown[] = [];
    for (const { path, how, code, message = "" } of kind.create.mutants) {
      const wanted = code !== 400 || laterRefusals.has(message) ? "" : message;
      const got = refusal(kind, mutate(kind.manifest, path, how));
      if (got !== wanted) deviations.push({ path: path.join("."), how, got, wanted });
    }
    assertEquals(deviations, []);
  });

  Deno.test(`decode refuses bodies that are no ${name}, in a real server's words`, () => {
    const { create, manifest } = kind;
    assertEquals(refusal(kind, { ...manifest, nope: 1 }), create.unknown.strict.message ?? "");
    assertEquals(refusal(kind, { ...manifest, kind: "Wrong" }), create.wrongKind.message ?? "");
    assertEquals(refusal(kind, { ...manifest, apiVersion: "wrong/v9" }), create.wrongVersion.message ?? "");
    assertEquals(refusal(kind, "{nope"), create.notJson.message ?? "");
    assertEquals(refusal(kind, "[]"), create.array.message ?? "");
  });

  Deno.test(`decode keeps the stored ${name} as it is, from JSON and from protobuf`, () => {
    const { body } = kind.create.response;
    assertEquals(schema.decode(utf8.encode(JSON.stringify(body)), "application/json", gvk, "Strict"), {
      object: body as never,
      errors: [],
    });
    const binary = schema.protobuf.object(body as never);
    const { object } = schema.decode(binary, "application/vnd.kubernetes.protobuf", gvk, "Strict");
    assertEquals(object as unknown, withoutInnerKinds(body));
  });
}

/** Protobuf carries kind and apiVersion of the outermost object only. */
function withoutInnerKinds(body: Record<string, unknown>): unknown {
  if (body.kind !== "StatefulSet") return body;
  const copy = structuredClone(body) as { spec: { volumeClaimTemplates?: Record<string, unknown>[] } };
  for (const template of copy.spec.volumeClaimTemplates ?? []) {
    delete template.kind;
    delete template.apiVersion;
  }
  return copy;
}
