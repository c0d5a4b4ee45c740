/**
 * The walk that tells: it keeps what Go's decoder keeps for its error texts, and the path of every strict error. It runs
 * only over values in which the plain walk found something.
 */
import type { GoField, GoStruct, GoType } from "./go_types.ts";
import { plainNumbers, Walk } from "./go_walk.ts";
import { NumberText, type ObjectNotes } from "./json_text.ts";

/** An error that Go's decoder returns at once, whatever it noted before. */
export class DecodeFailure extends Error {
  override name = "DecodeFailure";
  /** Set when the text is `json: cannot unmarshal VALUE into Go ... of type TYPE`. */
  readonly mismatch: { readonly value: string; readonly type: string } | undefined;

  constructor(message: string, mismatch?: { value: string; type: string }) {
    super(message);
    this.mismatch = mismatch;
  }
}

export interface StrictError {
  readonly text: string;
  /** Where in the text, for the order of errors; undefined without a text. */
  readonly position: number | undefined;
}

/** The walk that tells: keeps Go's error context and the path of strict errors. */
export class Trace extends Walk {
  readonly strictErrors: StrictError[] = [];
  saved: DecodeFailure | undefined;
  readonly #notes: WeakMap<object, ObjectNotes> | undefined;
  #owner = "";
  #fields: string[] = [];
  #path = "";

  constructor(notes: WeakMap<object, ObjectNotes> | undefined) {
    super(false);
    this.#notes = notes;
  }

  override struct(struct: GoStruct, value: Record<string, unknown>): Record<string, unknown> {
    for (const { key, position } of this.#notes?.get(value)?.duplicates ?? []) {
      if (struct.fields.has(key)) this.#strict(`duplicate field ${JSON.stringify(this.#join(key))}`, position);
    }
    return super.struct(struct, value);
  }

  protected override enterMap(value: Record<string, unknown>): void {
    for (const { key, position } of this.#notes?.get(value)?.duplicates ?? []) {
      this.#strict(`duplicate field ${JSON.stringify(this.#join(key))}`, position);
    }
  }

  protected override field(struct: GoStruct, field: GoField, given: unknown): unknown {
    const owner = this.#owner;
    const path = this.#path;
    this.#owner = struct.name;
    this.#path = this.#join(field.name);
    this.#fields.push(field.embedded + field.name);
    const value = super.field(struct, field, given);
    this.#fields.pop();
    this.#owner = owner;
    this.#path = path;
    return value;
  }

  protected override item(element: GoType, given: unknown, index: number): unknown {
    const path = this.#path;
    this.#path = `${path}[${index}]`;
    const value = super.item(element, given, index);
    this.#path = path;
    return value;
  }

  protected override entry(element: GoType, given: unknown, key: string): unknown {
    const path = this.#path;
    this.#path = this.#join(key);
    const value = super.entry(element, given, key);
    this.#path = path;
    return value;
  }

  protected override kept(given: unknown): unknown {
    return plainNumbers(given);
  }

  protected override nested(type: GoType, given: unknown): unknown {
    const inner = new Trace(undefined);
    let failure: DecodeFailure | undefined;
    let value: unknown;
    try {
      value = inner.value(type, given);
      failure = inner.saved;
    } catch (error) {
      if (!(error instanceof DecodeFailure)) throw error;
      failure = error;
    }
    if (failure === undefined) return value;
    throw failure.mismatch === undefined ? failure : this.#failure(failure.mismatch.value, failure.mismatch.type);
  }

  protected override unknown(object: Record<string, unknown>, key: string): void {
    const position = this.#notes?.get(object)?.positions.get(key);
    this.#strict(`unknown field ${JSON.stringify(this.#join(key))}`, position);
  }

  protected override mismatch(type: GoType, given: unknown): undefined {
    this.saved ??= this.#failure(nameOf(type, given), type.text);
  }

  protected override mismatchNow(type: GoType, given: unknown): undefined {
    throw this.#failure(nameOf(type, given), type.text);
  }

  protected override note(text: string): undefined {
    this.saved ??= new DecodeFailure(text);
  }

  protected override fail(text: string): undefined {
    throw new DecodeFailure(text);
  }

  #join(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }

  #failure(value: string, type: string): DecodeFailure {
    const target = this.#fields.length === 0 ? "Go value" : `Go struct field ${this.#owner}.${this.#fields.join(".")}`;
    return new DecodeFailure(`json: cannot unmarshal ${value} into ${target} of type ${type}`, { value, type });
  }

  #strict(text: string, position: number | undefined): void {
    // Kubernetes tells the first hundred, each once.
    if (this.strictErrors.length >= 100 || this.strictErrors.some((known) => known.text === text)) return;
    this.strictErrors.push({ text, position });
  }
}

function nameOf(type: GoType, given: unknown): string {
  if (Array.isArray(given)) return "array";
  if (given instanceof NumberText) return isNumeric(type) ? `number ${given.text}` : "number";
  if (typeof given === "number") return isNumeric(type) ? `number ${given}` : "number";
  if (typeof given === "boolean") return "bool";
  return typeof given;
}

function isNumeric(type: GoType): boolean {
  return type.kind === "int" || type.kind === "float";
}
