/** Values against a schema, refused in the words of Kubernetes' OpenAPI validation (k8s.io/kube-openapi). */
import { isObject, jsonEquals } from "../../machines/objects/json.ts";
import type { FieldError } from "../machinery/types.ts";
import { shown } from "../resources/validation/field.ts";
import { formatFits } from "./formats.ts";
import { joined, type JsonSchema, memberSchema } from "./json_schema.ts";

/** All causes, in the order of the value. `path` "" is the object itself. */
export function validateValue(value: unknown, schema: JsonSchema, path = ""): FieldError[] {
  const errors: FieldError[] = [];
  new Check(errors).value(value, schema, path);
  return errors;
}

const typeNames = (schema: JsonSchema): readonly string[] =>
  schema["x-kubernetes-int-or-string"] === true
    ? ["integer", "string"]
    : schema.type === undefined
    ? []
    : [schema.type];

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

class Check {
  constructor(readonly errors: FieldError[]) {}

  value(value: unknown, schema: JsonSchema, path: string): void {
    if (value === null && schema.nullable === true) return;
    const actual = typeOf(value);
    const wanted = typeNames(schema);
    const fits = wanted.length === 0 || wanted.includes(actual) || (actual === "integer" && wanted.includes("number"));
    if (!fits) {
      this.#wrongType(path, actual, wanted.join(","), actual);
      return;
    }
    this.#enumerated(value, schema, path);
    if (typeof value === "string") this.#text(value, schema, path);
    else if (typeof value === "number") this.#number(value, schema, path);
    else if (Array.isArray(value)) this.#list(value, schema, path);
    else if (isObject(value)) this.#object(value, schema, path);
    this.#combinations(value, schema, path);
  }

  #wrongType(path: string, actual: string, wanted: string, value: unknown): void {
    this.#say(
      "FieldValueTypeInvalid",
      path,
      `Invalid value: ${shown(value)}: ${path} in body must be of type ${wanted}: ${shown(actual)}`,
    );
  }

  #say(reason: FieldError["reason"], field: string, message: string): void {
    this.errors.push({ reason, field, message });
  }

  #invalid(path: string, value: unknown, text: string): void {
    this.#say("FieldValueInvalid", path, `Invalid value: ${shown(value)}: ${path} in body ${text}`);
  }

  #enumerated(value: unknown, { enum: allowed }: JsonSchema, path: string): void {
    if (allowed === undefined || allowed.some((each) => jsonEquals(each, value))) return;
    const list = allowed.map((each) => shown(typeof each === "string" ? each : String(each))).join(", ");
    this.#say("FieldValueNotSupported", path, `Unsupported value: ${shown(value)}: supported values: ${list}`);
  }

  #text(value: string, { minLength, maxLength, pattern, format }: JsonSchema, path: string): void {
    const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
    if (maxLength !== undefined && length > maxLength) {
      this.#say("FieldValueTooLong", path, `Too long: may not be more than ${maxLength} bytes`);
    }
    if (minLength !== undefined && length < minLength) {
      this.#invalid(path, value, `should be at least ${minLength} chars long`);
    }
    if (pattern !== undefined && !patternOf(pattern).test(value)) {
      this.#invalid(path, value, `should match '${pattern}'`);
    }
    if (format !== undefined && !formatFits(format, value)) this.#wrongType(path, value, format, value);
  }

  #number(value: number, schema: JsonSchema, path: string): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
    if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum)) {
      this.#invalid(path, value, `should be less than ${exclusiveMaximum === true ? "" : "or equal to "}${maximum}`);
    }
    if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum)) {
      this.#invalid(path, value, `should be greater than ${exclusiveMinimum === true ? "" : "or equal to "}${minimum}`);
    }
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
      this.#invalid(path, value, `should be a multiple of ${multipleOf}`);
    }
    if (schema.format !== undefined && !formatFits(schema.format, value)) {
      this.#wrongType(path, String(value), schema.format, value);
    }
  }

  #list(value: readonly unknown[], { items, minItems, maxItems }: JsonSchema, path: string): void {
    if (items !== undefined) value.forEach((each, index) => this.value(each, items, `${path}[${index}]`));
    if (minItems !== undefined && value.length < minItems) {
      this.#invalid(path, value.length, `should have at least ${minItems} items`);
    }
    if (maxItems !== undefined && value.length > maxItems) {
      this.#say(
        "FieldValueTooMany",
        path,
        `Too many: ${value.length}: must have at most ${maxItems} item${maxItems === 1 ? "" : "s"}`,
      );
    }
  }

  #object(value: Readonly<Record<string, unknown>>, schema: JsonSchema, path: string): void {
    const { minProperties, maxProperties } = schema;
    const count = Object.keys(value).length;
    if (minProperties !== undefined && count < minProperties) {
      this.#invalid(path, count, `should have at least ${minProperties} properties`);
    }
    if (maxProperties !== undefined && count > maxProperties) {
      this.#say(
        "FieldValueTooMany",
        path,
        `Too many: ${count}: must have at most ${maxProperties} item${maxProperties === 1 ? "" : "s"}`,
      );
    }
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) this.#say("FieldValueRequired", joined(path, name), "Required value");
    }
    for (const name of Object.keys(value).sort()) {
      const known = memberSchema(schema, name);
      if (known !== undefined) this.value(value[name], known, joined(path, name));
    }
  }

  #combinations(value: unknown, { allOf, anyOf, oneOf, not }: JsonSchema, path: string): void {
    const fitting = (schemas: readonly JsonSchema[]) =>
      schemas.filter((each) => validateValue(value, each, path).length === 0).length;
    const refuse = (text: string) =>
      this.#say("FieldValueInvalid", path, `Invalid value: ${shownValue(value)}: ${JSON.stringify(path)} ${text}`);
    if (anyOf !== undefined && fitting(anyOf) === 0) {
      refuse("must validate at least one schema (anyOf)");
      for (const each of anyOf) this.value(value, each, path);
    }
    if (oneOf !== undefined) {
      const count = fitting(oneOf);
      if (count === 0) {
        refuse("must validate one and only one schema (oneOf). Found none valid");
        for (const each of oneOf) this.value(value, each, path);
      } else if (count > 1) {
        refuse(`must validate one and only one schema (oneOf). Found ${count} valid alternatives`);
      }
    }
    if (allOf !== undefined && fitting(allOf) < allOf.length) {
      for (const each of allOf) this.value(value, each, path);
      refuse("must validate all the schemas (allOf)");
    }
    if (not !== undefined && validateValue(value, not, path).length === 0) {
      refuse("must not validate the schema (not)");
    }
  }
}

function shownValue(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : shown(value);
}

const patterns = new Map<string, RegExp>();

/** Go's and JavaScript's patterns are the same as far as schemas use them; what JavaScript cannot read matches nothing. */
function patternOf(pattern: string): RegExp {
  let found = patterns.get(pattern);
  if (found === undefined) {
    if (patterns.size >= 1_000) patterns.clear();
    found = compiled(pattern);
    patterns.set(pattern, found);
  }
  return found;
}

function compiled(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch {
    try {
      return new RegExp(pattern);
    } catch {
      return /(?!)/;
    }
  }
}
