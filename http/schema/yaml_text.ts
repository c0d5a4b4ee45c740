/**
 * YAML bodies as Kubernetes reads them: YAML 1.1 scalars (`y` is true) but times and sexagesimals stay texts, keys as
 * JSON writes them, one document.
 */
import {
  CST,
  type Document,
  isScalar,
  Lexer,
  LineCounter,
  parseDocument,
  type ScalarTag,
  type Tags,
  visit,
} from "yaml";
import { countKeys } from "./go_walk.ts";
import { scanJson } from "./json_text.ts";

export interface YamlBody {
  readonly value: unknown;
  /** In the words of strict decoding, all duplicate keys in one: `line 3: key "a" already set in map`. */
  readonly strictErrors: readonly string[];
}

export class YamlError extends Error {
  override name = "YamlError";
}

const timestamp = "tag:yaml.org,2002:timestamp";

function withoutTimes(tags: Tags): Tags {
  return tags.filter((tag) => {
    const { tag: name, format } = tag as ScalarTag;
    return name !== timestamp && format !== "TIME";
  });
}

/** @throws YamlError */
export function parseYaml(text: string): YamlBody {
  const json = asJson(text);
  if (json !== undefined) return json;
  const first = text.replace(/^(?:%[^\n]*\n|#[^\n]*\n|\s)*---[ \t]*\n/, "").split(/\n---(?:\s|$)/)[0] ?? "";
  refuseExcess(first);
  const lines = new LineCounter();
  const document = parseDocument(first, {
    version: "1.1",
    schema: "yaml-1.1",
    merge: true,
    uniqueKeys: false, // The package compares each key with every other.
    customTags: withoutTimes,
    lineCounter: lines,
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const [what = ""] = error.message.split(/ at line \d+/);
    throw new YamlError(`error converting YAML to JSON: yaml: line ${error.linePos?.[0].line ?? 1}: ${what}`);
  }
  const twice = keysSetTwice(document, lines);
  const strictErrors = twice.length === 0 ? [] : [`yaml: unmarshal errors:\n${twice.join("\n")}`];
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases of aliases of aliases, or of what they stand in.
    throw new YamlError(`error converting YAML to JSON: yaml: ${(error as Error).message}`);
  }
  return { value: toJson(value), strictErrors };
}

/** A text of this many tokens takes about a second; a longer one would hold up everybody. JSON has no such limit. */
const maxTokens = 200_000;
const maxNesting = 1_000;

/** @throws YamlError */
function refuseExcess(text: string): void {
  let [tokens, brackets, indicators] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    if (++tokens > maxTokens) {
      throw new YamlError(`error converting YAML to JSON: yaml: document has more than ${maxTokens} tokens`);
    }
    const type = CST.tokenType(token);
    if (type === "flow-seq-start" || type === "flow-map-start") brackets++;
    else if (type === "flow-seq-end" || type === "flow-map-end") brackets--;
    else if (type === "newline") indicators = 0;
    else if (type === "seq-item-ind" || type === "explicit-key-ind" || type === "map-value-ind") indicators++;
    if (brackets > maxNesting || indicators > maxNesting && brackets === 0) {
      throw new YamlError("error converting YAML to JSON: yaml: exceeded max depth");
    }
  }
}

/** In Go's words: the last of them counts, but strict decoding refuses it. */
function keysSetTwice(document: Document, lines: LineCounter): string[] {
  const twice: { line: number; key: unknown }[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || key.value === "<<" || typeof key.value === "symbol") continue;
        if (seen.has(key.value)) twice.push({ ...lines.linePos(key.range?.[0] ?? 0), key: key.value });
        seen.add(key.value);
      }
    },
  });
  return twice.sort((a, b) => a.line - b.line)
    .map(({ line, key }) => `  line ${line}: key ${JSON.stringify(String(key))} already set in map`);
}

/** Clients send JSON under the name of YAML, which it is: read as such it takes a fraction of the time. */
function asJson(text: string): YamlBody | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return scanJson(text).keys === countKeys(value) ? { value, strictErrors: [] } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Values of YAML that JSON lacks, as Kubernetes' YAML reader turns them. */
function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return btoa(String.fromCharCode(...value));
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Set) return Object.fromEntries([...value].map((key) => [String(key), null]));
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), toJson(item)]));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
