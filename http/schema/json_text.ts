/**
 * JSON texts as Go's decoder sees them. `scanJson` is the quick look that every body gets; `parseJsonExactly` reads
 * again, slowly, when something needs telling: where a syntax error is, which keys come twice, how a number was written.
 */

export class JsonSyntaxError extends Error {
  override name = "JsonSyntaxError";
}

/** A number that a double does not keep as written: `1.0`, `1e3`, more than 15 digits. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export interface JsonScan {
  /** Keys in the whole text; more than the parsed value has means that one came twice. */
  readonly keys: number;
  /** Some number is a NumberText. */
  readonly oddNumbers: boolean;
  /** How deep objects and lists are nested. */
  readonly depth: number;
}

/** Go's limit. */
export const maxDepth = 10_000;

/** Looks through a text that JSON.parse accepted. */
export function scanJson(text: string): JsonScan {
  let keys = 0;
  let oddNumbers = false;
  let digits = 0;
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i);
      digits = 0;
    } else if (code >= 0x30 && code <= 0x39) {
      if (++digits > 15) oddNumbers = true;
    } else {
      if (code === 0x3a) keys++;
      // Brackets and braces differ in one bit only.
      else if ((code & 0xdf) === 0x5b) deepest = Math.max(deepest, ++depth);
      else if ((code & 0xdf) === 0x5d) depth--;
      else if (code === 0x2e || code === 0x45 || (code === 0x65 && digits > 0)) oddNumbers = true;
      digits = 0;
    }
  }
  return { keys, oddNumbers, depth: deepest };
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && text.charCodeAt(end - 1) === 0x5c) {
    let back = end - 2;
    while (text.charCodeAt(back) === 0x5c) back--;
    if ((end - back) % 2 === 1) break;
    end = text.indexOf('"', end + 1);
  }
  return end;
}

/** What the exact parse knows of one object. */
export interface ObjectNotes {
  /** Key -> where it came first. */
  readonly positions: ReadonlyMap<string, number>;
  readonly duplicates: readonly { readonly key: string; readonly position: number }[];
}

export interface ExactJson {
  /** With NumberText for odd numbers. */
  readonly value: unknown;
  readonly notes: WeakMap<object, ObjectNotes>;
}

/** @throws JsonSyntaxError in the words of Go's scanner. */
export function parseJsonExactly(text: string): ExactJson {
  return new ExactParser(text).parse();
}

class ExactParser {
  #text: string;
  #at = 0;
  #notes = new WeakMap<object, ObjectNotes>();

  constructor(text: string) {
    this.#text = text;
  }

  parse(): ExactJson {
    const value = this.#value("looking for beginning of value");
    this.#space();
    if (this.#at < this.#text.length) this.#fail("after top-level value");
    return { value, notes: this.#notes };
  }

  #fail(context: string): never {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new JsonSyntaxError("unexpected end of JSON input");
    throw new JsonSyntaxError(`invalid character ${quoteCharacter(code)} ${context}`);
  }

  #space(): void {
    for (let code = this.#text.charCodeAt(this.#at); isSpace(code); code = this.#text.charCodeAt(this.#at)) this.#at++;
  }

  #value(context: string): unknown {
    this.#space();
    const char = this.#text[this.#at];
    if (char === "{") return this.#object();
    if (char === "[") return this.#array();
    if (char === '"') return this.#string();
    if (char === "t") return this.#literal("true", true);
    if (char === "f") return this.#literal("false", false);
    if (char === "n") return this.#literal("null", null);
    if (char !== undefined && /[-0-9]/.test(char)) return this.#number();
    this.#fail(context);
  }

  #literal(word: string, value: unknown): unknown {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i]) this.#fail(`in literal ${word} (expecting '${word[i]}')`);
      this.#at++;
    }
    return value;
  }

  #number(): number | NumberText {
    const start = this.#at;
    const digits = (context: string) => {
      if (!/[0-9]/.test(this.#text[this.#at] ?? "")) this.#fail(context);
      while (/[0-9]/.test(this.#text[this.#at] ?? "")) this.#at++;
    };
    if (this.#text[this.#at] === "-") this.#at++;
    if (this.#text[this.#at] === "0") this.#at++;
    else digits("in numeric literal");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#text[this.#at] ?? "")) {
      this.#at++;
      if (/[+-]/.test(this.#text[this.#at] ?? "")) this.#at++;
      digits("in exponent of numeric literal");
    }
    const text = this.#text.slice(start, this.#at);
    return /[.eE]|\d{16}/.test(text) ? new NumberText(text) : Number(text);
  }

  #string(): string {
    const start = this.#at++;
    const end = endOfString(this.#text, start);
    const quoted = end < 0 ? "" : this.#text.slice(start, end + 1);
    // Nothing to unescape and nothing forbidden: most strings.
    if (end >= 0 && isPlain(quoted)) {
      this.#at = end + 1;
      return quoted.slice(1, -1);
    }
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (Number.isNaN(code)) this.#fail("");
      if (code < 0x20) this.#fail("in string literal");
      this.#at++;
      if (code !== 0x5c) continue;
      const escape = this.#text[this.#at] ?? "";
      if (escape === "u") {
        this.#at++;
        for (let i = 0; i < 4; i++, this.#at++) {
          if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? "")) this.#fail("in \\u hexadecimal character escape");
        }
      } else if (/[bfnrt"\\/]/.test(escape)) this.#at++;
      else this.#fail("in string escape code");
    }
    return JSON.parse(this.#text.slice(start, ++this.#at));
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#value("looking for beginning of value"));
      this.#space();
      const char = this.#text[this.#at];
      if (char !== "," && char !== "]") this.#fail("after array element");
      this.#at++;
      if (char === "]") return items;
    }
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    const positions = new Map<string, number>();
    const duplicates: { key: string; position: number }[] = [];
    this.#notes.set(object, { positions, duplicates });
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return object;
    }
    for (;;) {
      this.#space();
      const position = this.#at;
      if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
      const key = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ":") this.#fail("after object key");
      this.#at++;
      const value = this.#value("looking for beginning of value");
      if (positions.has(key)) duplicates.push({ key, position });
      else positions.set(key, position);
      setOwn(object, key, value);
      this.#space();
      const char = this.#text[this.#at];
      if (char !== "," && char !== "}") this.#fail("after object key:value pair");
      this.#at++;
      if (char === "}") return object;
    }
  }
}

/** Sets a key of data, also one that JavaScript gives a meaning. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else object[key] = value;
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x5c) return false;
  }
  return true;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function quoteCharacter(code: number): string {
  if (code === 0x27) return `'\\''`;
  if (code === 0x22) return `'"'`;
  const named: Record<number, string> = { 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 0x5c: "\\" };
  const escape = named[code];
  if (escape !== undefined) return `'\\${escape}'`;
  if (code < 0x20 || code === 0x7f) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  // Go's scanner goes byte by byte: a character outside ASCII shows as its first UTF-8 byte, as Latin-1.
  if (code < 0x80) return `'${String.fromCodePoint(code)}'`;
  const first = new TextEncoder().encode(String.fromCodePoint(code))[0] ?? 0;
  return `'${String.fromCodePoint(first)}'`;
}
