/** What makes two states the same: everything in them, in a fixed order of fields. */

/**
 * A string that is equal for equal plain data and differs otherwise.
 *
 * @throws Error for anything that is not plain data: a Map, a Date or a class would all look alike, and states that
 * differ would be taken for one.
 */
export function stateKey(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value === "number" || typeof value === "boolean" || value === undefined) {
    return `${value}`;
  }
  if (typeof value !== "object") throw new Error(`Cannot compare states: a ${typeof value} in them is not plain data`);
  if (Array.isArray(value)) {
    let key = "[";
    for (let index = 0; index < value.length; index++) {
      key += index === 0 ? stateKey(value[index]) : "," + stateKey(value[index]);
    }
    return key + "]";
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new Error(`Cannot compare states: a ${value.constructor?.name ?? "class"} in them is not plain data`);
  }
  const record = value as Record<string, unknown>;
  let key = "{";
  for (const name of Object.keys(record).sort()) {
    key += (key.length > 1 ? "," : "") + JSON.stringify(name) + ":" + stateKey(record[name]);
  }
  return key + "}";
}

/** Small numbers for strings that come again and again. */
export class Interner {
  #ids = new Map<string, number>();

  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(text, id);
    }
    return id;
  }

  /** Everything interned, in order of first use. */
  texts(): string[] {
    return [...this.#ids.keys()];
  }
}
