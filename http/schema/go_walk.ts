/**
 * One walk over a decoded value along its Go type: checks types, drops and names unknown fields, and brings the value
 * into the form in which Go would write it (null means absent, empty values left out, quantities and times canonical).
 *
 * The first walk only notices that something is wrong; a second one, over the same value, keeps the paths that texts
 * need. Nothing given is changed.
 */
import { canonicalQuantity, parseQuantity, quantityPatternText } from "../../machines/objects/quantity.ts";
import { base64Error } from "./base64.ts";
import { readMicroTime, readTime, TimeError } from "./go_time.ts";
import { type GoField, type GoStruct, type GoType, zeroOf } from "./go_types.ts";
import { NumberText, setOwn } from "./json_text.ts";

const commonQuantity = /^[1-9]\d{0,2}(?:m|Ki|Mi|Gi|Ti)?$/;
const int32Limit = 2 ** 31;
const int64Limit = 2 ** 63;

/** Walks without paths. `clean` is false when errors or unknown fields wait to be told by `trace`. */
export class Walk {
  keys = 0;
  clean = true;
  protected readonly counting: boolean;

  constructor(counting: boolean) {
    this.counting = counting;
  }

  struct(struct: GoStruct, value: Record<string, unknown>): Record<string, unknown> {
    let out: Record<string, unknown> | undefined;
    for (const key in value) {
      this.keys++;
      const given = value[key];
      const field = struct.fields.get(key);
      let kept: unknown;
      if (field === undefined) {
        this.unknown(value, key);
        if (this.counting) this.keys += countKeys(given);
      } else kept = given === null ? undefined : this.field(struct, field, given);
      if (out !== undefined) {
        if (kept !== undefined) out[key] = kept;
      } else if (kept !== given) {
        out = copyBefore(value, key);
        if (kept !== undefined) out[key] = kept;
      }
    }
    for (const field of struct.always) {
      const present = out === undefined ? value[field.name] : out[field.name];
      if (present !== undefined) continue;
      out ??= { ...value };
      out[field.name] = zeroOf(field);
    }
    return out ?? value;
  }

  /** @returns undefined for what is left out. */
  protected field(_struct: GoStruct, field: GoField, given: unknown): unknown {
    const value = this.value(field.type, given);
    if (!field.omitEmpty || field.pointer) return value;
    switch (field.type.kind) {
      case "string":
      case "bool":
      case "int":
      case "float":
      case "bytes":
        return value === "" || value === 0 || value === false ? undefined : value;
      case "list":
        return (value as unknown[] | undefined)?.length === 0 ? undefined : value;
      case "map":
        return value !== undefined && isEmpty(value as Record<string, unknown>) ? undefined : value;
      default:
        return value;
    }
  }

  /** `given` is not null. */
  value(type: GoType, given: unknown): unknown {
    switch (type.kind) {
      case "string":
        return typeof given === "string" ? given : this.mismatch(type, given);
      case "bool":
        return typeof given === "boolean" ? given : this.mismatch(type, given);
      case "int":
        return this.#int(type, given);
      case "float":
        if (given instanceof NumberText) return Number(given.text);
        return typeof given === "number" ? given : this.mismatch(type, given);
      case "struct":
        if (!isObject(given)) return this.mismatch(type, given);
        return this.struct(type.struct as GoStruct, given);
      case "list":
        return Array.isArray(given) ? this.list(type.element as GoType, given) : this.mismatch(type, given);
      case "map":
        return isObject(given) ? this.map(type.element as GoType, given) : this.mismatch(type, given);
      default:
        return this.#special(type, given);
    }
  }

  #int(type: GoType, given: unknown): unknown {
    const number = given instanceof NumberText ? (/[.eE]/.test(given.text) ? NaN : Number(given.text)) : given;
    if (typeof number !== "number") return this.mismatch(type, given);
    const limit = type.bits === 32 ? int32Limit : int64Limit;
    if (!Number.isInteger(number) || number >= limit || number < -limit) return this.mismatch(type, given);
    // -0 is 0 to Go.
    return number === 0 ? 0 : number;
  }

  #special(type: GoType, given: unknown): unknown {
    switch (type.kind) {
      case "quantity":
        return this.#quantity(given);
      case "time":
      case "microTime":
        if (typeof given !== "string") return this.mismatchNow({ kind: "string", text: "string" }, given);
        try {
          return type.kind === "time" ? readTime(given) : readMicroTime(given);
        } catch (error) {
          if (error instanceof TimeError) return this.fail(error.message);
          throw error;
        }
      case "duration":
        return typeof given === "string" ? given : this.mismatchNow({ kind: "string", text: "string" }, given);
      case "intOrString": {
        if (typeof given === "string") return given;
        if (typeof given === "number" && Number.isInteger(given) && Math.abs(given) < int32Limit) return given;
        return this.mismatchNow({ kind: "int", text: "int32" }, given);
      }
      case "bytes": {
        if (typeof given !== "string") return this.mismatch(type, given);
        const error = base64Error(given);
        return error === undefined ? given.replace(/[\r\n]/g, "") : this.note(error);
      }
      default:
        return this.#loose(type, given);
    }
  }

  /** Types of CustomResourceDefinition's schemas that take several forms, and what is kept as it came. */
  #loose(type: GoType, given: unknown): unknown {
    const properties = type.alternatives?.();
    if (properties !== undefined && isObject(given)) return this.nested(properties.one, given);
    if (properties?.many !== undefined && Array.isArray(given)) return this.nested(properties.many, given);
    if (type.kind === "schemaOrBool" && typeof given !== "boolean") return this.fail("boolean or JSON schema expected");
    if (type.kind === "schemaOrArray" || type.kind === "schemaOrStrings") return undefined;
    if (this.counting) this.keys += countKeys(given);
    return this.kept(given);
  }

  protected kept(given: unknown): unknown {
    return given;
  }

  #quantity(given: unknown): unknown {
    if (typeof given === "string" && commonQuantity.test(given)) return given;
    const text = given instanceof NumberText ? given.text : given;
    if (typeof text !== "string" && typeof text !== "number") return this.fail(quantityPatternText);
    const trimmed = String(text).trim();
    if (parseQuantity(trimmed) !== undefined) return canonicalQuantity(trimmed);
    const shaped = /^[+-]?\d+\.?\d*[eEinumkKMGTP]+[-+]?\d*$/.test(trimmed);
    return this.fail(shaped ? "unable to parse quantity's suffix" : quantityPatternText);
  }

  protected list(element: GoType, given: unknown[]): unknown {
    let out: unknown[] | undefined;
    for (let index = 0; index < given.length; index++) {
      const item = given[index];
      const value = item === null ? zeroElement(element) : this.item(element, item, index);
      if (value !== item) out ??= given.slice();
      if (out !== undefined) out[index] = value;
    }
    return out ?? given;
  }

  protected item(element: GoType, given: unknown, _index: number): unknown {
    return this.value(element, given);
  }

  protected map(element: GoType, given: Record<string, unknown>): unknown {
    let out: Record<string, unknown> | undefined;
    this.enterMap(given);
    for (const key in given) {
      this.keys++;
      const item = given[key];
      const value = item === null ? zeroElement(element) : this.entry(element, item, key);
      if (value !== item) out ??= { ...given };
      if (out !== undefined) setOwn(out, key, value);
    }
    return out ?? given;
  }

  protected enterMap(_given: Record<string, unknown>): void {}

  protected entry(element: GoType, given: unknown, _key: string): unknown {
    return this.value(element, given);
  }

  /** A value whose own decoder reads it anew: unknown fields there go unnoticed. */
  protected nested(type: GoType, given: unknown): unknown {
    const inner = new Walk(this.counting);
    const value = inner.value(type, given);
    this.keys += inner.keys;
    // An unknown field does no harm there; telling it from an error is the trace's work.
    if (!inner.clean) this.clean = false;
    return value;
  }

  protected unknown(_object: Record<string, unknown>, _key: string): void {
    this.clean = false;
  }

  /** A type error: Go notes the first and goes on. */
  protected mismatch(_type: GoType, _given: unknown): undefined {
    this.clean = false;
  }

  /** A type error inside a type's own decoder: Go stops. */
  protected mismatchNow(_type: GoType, _given: unknown): undefined {
    this.clean = false;
  }

  protected note(_text: string): undefined {
    this.clean = false;
  }

  protected fail(_text: string): undefined {
    this.clean = false;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof NumberText);
}

function isEmpty(value: Record<string, unknown>): boolean {
  for (const _ in value) return false;
  return true;
}

function copyBefore(value: Record<string, unknown>, end: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key in value) {
    if (key === end) break;
    out[key] = value[key];
  }
  return out;
}

function zeroElement(type: GoType): unknown {
  return zeroOf({ name: "", type, embedded: "", numbers: [], pointer: false, omitEmpty: false, omitZero: false });
}

export function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) { for (const item of value) count += countKeys(item); }
  else if (!(value instanceof NumberText)) {
    for (const key in value) count += 1 + countKeys((value as Record<string, unknown>)[key]);
  }
  return count;
}

/** The value with doubles for NumberText; the same value when it has none. */
export function plainNumbers(value: unknown): unknown {
  if (value instanceof NumberText) return Number(value.text);
  if (Array.isArray(value)) {
    const items = value.map(plainNumbers);
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isObject(value)) return value;
  let out: Record<string, unknown> | undefined;
  for (const key in value) {
    const item = plainNumbers(value[key]);
    if (item !== value[key]) setOwn(out ??= { ...value }, key, item);
  }
  return out ?? value;
}
