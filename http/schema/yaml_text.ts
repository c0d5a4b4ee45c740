/**
 * YAML bodies as Kubernetes reads them: YAML 1.1 scalars (`y` is true) but times and sexagesimals stay texts, keys as
 * JSON writes them, one document.
 */
import { parseDocument, type ScalarTag, type Tags } from "yaml";
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
  const document = parseDocument(first, {
    version: "1.1",
    schema: "yaml-1.1",
    merge: true,
    uniqueKeys: true,
    customTags: withoutTimes,
  });
  const twice: string[] = [];
  for (const error of document.errors) {
    const line = error.linePos?.[0].line ?? 1;
    if (error.code !== "DUPLICATE_KEY") {
      const [what = ""] = error.message.split(/ at line \d+/);
      throw new YamlError(`error converting YAML to JSON: yaml: line ${line}: ${what}`);
    }
    const key = /^\s*(?:-\s+)*["']?([^:"']+)["']?\s*:/.exec(first.slice(first.lastIndexOf("\n", error.pos[0] - 1) + 1));
    twice.push(`  line ${line}: key ${JSON.stringify(key?.[1] ?? "")} already set in map`);
  }
  const strictErrors = twice.length === 0 ? [] : [`yaml: unmarshal errors:\n${twice.join("\n")}`];
  return { value: toJson(document.toJS({ maxAliasCount: 100 })), strictErrors };
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
