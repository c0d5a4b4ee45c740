/** Rules of the OpenAPI schema of a custom resource (structural schemas) and of the default values in it. */
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, isFields, text, texts } from "../fields.ts";
import { duplicate, forbidden, invalid, notSupported, type Path, required, shown, typeInvalid } from "./field.ts";

const types = ["array", "boolean", "integer", "number", "object", "string"];

interface Place {
  readonly root: boolean;
  /** The status subresource is on: then the root must be an object. */
  readonly hasStatus: boolean;
}

/** @param at `spec.validation.openAPIV3Schema` or that of one version. */
export function validateStructuralSchema(schema: Fields, at: Path, hasStatus: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const type = text(schema["type"]);
  if (hasStatus && type !== "" && type !== "object") {
    errors.push(
      invalid(
        at.child("type"),
        type,
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      ),
    );
  }
  errors.push(...validateDefaults(schema, at));
  return [...errors, ...validateNode(schema, at, { root: true, hasStatus })];
}

function validateNode(schema: Fields, at: Path, place: Place): FieldError[] {
  const errors: FieldError[] = validateParts(schema, at);
  const type = text(schema["type"]);
  const preserve = schema["x-kubernetes-preserve-unknown-fields"];
  const intOrString = schema["x-kubernetes-int-or-string"] === true;
  if (place.root && type !== "" && type !== "object") {
    errors.push(invalid(at.child("type"), type, "must be object at the root"));
  }
  if (has(preserve) && preserve !== true) {
    errors.push(invalid(at.child("x-kubernetes-preserve-unknown-fields"), preserve, "must be true or undefined"));
  }
  if (type === "") {
    if (!intOrString && preserve !== true) {
      errors.push(
        required(
          at.child("type"),
          place.root ? "must not be empty at the root" : "must not be empty for specified object fields",
        ),
      );
    } else if (place.root) errors.push(required(at.child("type"), "must not be empty at the root"));
  } else if (!types.includes(type)) errors.push(notSupported(at.child("type"), type, types));
  if (intOrString && type !== "") {
    errors.push(invalid(at.child("type"), type, "must be empty if x-kubernetes-int-or-string is true"));
  }
  errors.push(...validateForbidden(schema, at), ...validateList(schema, type, at));
  return errors;
}

/** What lies inside is told before what holds it. */
function validateParts(schema: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, property] of Object.entries(fields(schema["properties"]))) {
    errors.push(...validateNode(fields(property), at.child("properties").key(name), { root: false, hasStatus: false }));
  }
  if (isFields(schema["items"])) {
    errors.push(...validateNode(schema["items"], at.child("items"), { root: false, hasStatus: false }));
  } else if (schema["type"] === "array" && !has(schema["items"])) {
    errors.push(required(at.child("items"), "must be specified"));
  }
  const additional = schema["additionalProperties"];
  if (isFields(additional)) {
    errors.push(...validateNode(additional, at.child("additionalProperties"), { root: false, hasStatus: false }));
    if (Object.keys(fields(schema["properties"])).length > 0) {
      errors.push(
        forbidden(at.child("additionalProperties"), "additionalProperties and properties are mutual exclusive"),
      );
    }
  }
  return errors;
}

const never: Readonly<Record<string, string>> = {
  "$ref": "$ref is not supported",
  "definitions": "definitions is not supported",
  "dependencies": "dependencies is not supported",
  "patternProperties": "patternProperties is not supported",
  "id": "id is not supported",
};

function validateForbidden(schema: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, detail] of Object.entries(never)) {
    if (has(schema[name])) errors.push(forbidden(at.child(name), detail));
  }
  if (schema["uniqueItems"] === true) {
    errors.push(
      forbidden(
        at.child("uniqueItems"),
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  }
  if (schema["additionalProperties"] === false) {
    errors.push(forbidden(at.child("additionalProperties"), "additionalProperties cannot be set to false"));
  }
  return errors;
}

function validateList(schema: Fields, type: string, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const listType = schema["x-kubernetes-list-type"];
  const keys = texts(schema["x-kubernetes-list-map-keys"]);
  if (has(listType)) {
    if (type !== "array") {
      errors.push(invalid(at.child("type"), type, "must be array if x-kubernetes-list-type is specified"));
    }
    if (!["atomic", "map", "set"].includes(text(listType))) {
      errors.push(notSupported(at.child("x-kubernetes-list-type"), listType, ["atomic", "map", "set"]));
    }
  }
  if (listType === "map") {
    if (keys.length === 0) {
      errors.push(
        required(at.child("x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map"),
      );
    }
    const properties = fields(fields(schema["items"])["properties"]);
    keys.forEach((key, index) => {
      const here = at.child("x-kubernetes-list-map-keys").index(index);
      if (!has(properties[key])) errors.push(invalid(here, key, "entries must all be names of item properties"));
      if (keys.indexOf(key) < index) errors.push(duplicate(here, key));
    });
  } else if (keys.length > 0) {
    errors.push(
      forbidden(at.child("x-kubernetes-list-map-keys"), "must be empty if x-kubernetes-list-type is not map"),
    );
  }
  const mapType = schema["x-kubernetes-map-type"];
  if (has(mapType) && !["atomic", "granular"].includes(text(mapType))) {
    errors.push(notSupported(at.child("x-kubernetes-map-type"), mapType, ["atomic", "granular"]));
  }
  return errors;
}

function validateDefaults(schema: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (has(schema["default"])) errors.push(...validateValue(schema["default"], schema, at.child("default")));
  for (const [name, property] of Object.entries(fields(schema["properties"]))) {
    errors.push(...validateDefaults(fields(property), at.child("properties").key(name)));
  }
  if (isFields(schema["items"])) errors.push(...validateDefaults(schema["items"], at.child("items")));
  if (isFields(schema["additionalProperties"])) {
    errors.push(...validateDefaults(schema["additionalProperties"], at.child("additionalProperties")));
  }
  return errors;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "object" ? "object" : typeof value;
}

/** What of the schema a default must satisfy: type, bounds, lengths, pattern, enum, and its parts. */
function validateValue(value: unknown, schema: Fields, at: Path): FieldError[] {
  const type = text(schema["type"]);
  const actual = typeOf(value);
  if (value === null && schema["nullable"] === true) return [];
  const fits = type === "" || actual === type || (type === "number" && actual === "integer");
  if (!fits) return [typeInvalid(at, actual, ` in body must be of type ${type}: ${shown(actual)}`)];
  const errors: FieldError[] = [];
  const allowed = schema["enum"];
  if (Array.isArray(allowed) && !allowed.some((each) => JSON.stringify(each) === JSON.stringify(value))) {
    errors.push(notSupported(at, value, allowed.map(String)));
  }
  if (typeof value === "number") {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
    if (typeof minimum === "number" && (exclusiveMinimum === true ? value <= minimum : value < minimum)) {
      errors.push(
        invalid(
          at,
          value,
          ` in body should be greater than ${exclusiveMinimum === true ? "" : "or equal to "}${minimum}`,
        ),
      );
    }
    if (typeof maximum === "number" && (exclusiveMaximum === true ? value >= maximum : value > maximum)) {
      errors.push(
        invalid(at, value, ` in body should be less than ${exclusiveMaximum === true ? "" : "or equal to "}${maximum}`),
      );
    }
  }
  if (typeof value === "string") errors.push(...validateText(value, schema, at));
  if (isFields(value)) {
    for (const name of texts(schema["required"])) if (!has(value[name])) errors.push(required(at.child(name)));
    for (const [name, each] of Object.entries(value)) {
      const property = fields(schema["properties"])[name];
      if (isFields(property)) errors.push(...validateValue(each, property, at.child(name)));
    }
  }
  if (Array.isArray(value) && isFields(schema["items"])) {
    const items = schema["items"];
    value.forEach((each, index) => errors.push(...validateValue(each, items, at.index(index))));
  }
  return errors;
}

function validateText(value: string, { maxLength, minLength, pattern }: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const length = [...value].length;
  if (typeof minLength === "number" && length < minLength) {
    errors.push(invalid(at, value, ` in body should be at least ${minLength} chars long`));
  }
  if (typeof maxLength === "number" && length > maxLength) {
    errors.push({
      reason: "FieldValueTooLong",
      field: at.toString(),
      message: `Too long: may not be more than ${maxLength} bytes`,
    });
  }
  if (typeof pattern === "string" && !new RegExp(pattern).test(value)) {
    errors.push(invalid(at, value, ` in body should match '${pattern}'`));
  }
  return errors;
}
