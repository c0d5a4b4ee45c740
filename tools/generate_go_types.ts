/**
 * Makes http/schema/generated/go_types_text.ts: for every struct of Kubernetes' API its fields as facts (JSON name, Go
 * type, whether empty values are left out, protobuf number). Error texts name Go types, and the protobuf encoding and
 * the form of an encoded object follow from them; OpenAPI tells none of it.
 *
 * Reads checkouts of kubernetes/{api,apimachinery,apiextensions-apiserver,kube-aggregator} at one version, as folders
 * of those names inside the folder CHARTROOM_GO_SOURCES.
 *
 *     CHARTROOM_GO_SOURCES=/path deno run -A tools/generate_go_types.ts [--check]
 */
import { definitionNames } from "../http/schema/definitions.ts";
import { jsonModule, writeOrCheck } from "./write_or_check.ts";

const target = new URL("../http/schema/generated/go_types_text.ts", import.meta.url);

/** Short package name -> folder inside the sources. */
const packages: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      "admissionregistration/v1",
      "apps/v1",
      "authentication/v1",
      "authorization/v1",
      "autoscaling/v1",
      "autoscaling/v2",
      "batch/v1",
      "certificates/v1",
      "coordination/v1",
      "core/v1",
      "discovery/v1",
      "events/v1",
      "flowcontrol/v1",
      "networking/v1",
      "node/v1",
      "policy/v1",
      "rbac/v1",
      "resource/v1",
      "scheduling/v1",
      "storage/v1",
    ].map((name) => [name, `api/${name}`]),
  ),
  "meta/v1": "apimachinery/pkg/apis/meta/v1",
  "types": "apimachinery/pkg/types",
  "apiextensions/v1": "apiextensions-apiserver/pkg/apis/apiextensions/v1",
  "apiregistration/v1": "kube-aggregator/pkg/apis/apiregistration/v1",
};

/** What encodes itself in its own way: http/schema/go_types.ts knows these by name. */
const selfEncoding = /^(MicroTime|Time|Duration|FieldsV1|JSON|JSONSchemaPropsOr\w+)$/;

function shortName(importPath: string): string | undefined {
  const known: Record<string, string> = {
    "k8s.io/apimachinery/pkg/apis/meta/v1": "meta/v1",
    "k8s.io/apimachinery/pkg/api/resource": "resource",
    "k8s.io/apimachinery/pkg/runtime": "runtime",
    "k8s.io/apimachinery/pkg/types": "types",
    "k8s.io/apimachinery/pkg/util/intstr": "intstr",
  };
  return known[importPath] ??
    (importPath.startsWith("k8s.io/api/") ? importPath.slice("k8s.io/api/".length) : undefined);
}

function importsOf(source: string): Map<string, string> {
  const imports = new Map<string, string>();
  for (const [, alias, path = ""] of source.matchAll(/^(?:import)?\s+(?:(\w+)\s+)?"([^"]+)"$/gm)) {
    const name = shortName(path);
    if (name !== undefined) imports.set(alias ?? path.split("/").at(-1) ?? "", name);
  }
  return imports;
}

/** `[]v1.Container` as `[]core/v1.Container`; names of the same package stay bare. */
function resolve(type: string, imports: Map<string, string>, aliases: Map<string, string>): string {
  return type.replace(/(?:(\w+)\.)?\b([A-Z]\w*)/g, (_, alias: string | undefined, name: string) => {
    if (alias === undefined) return aliases.get(name) ?? name;
    const pack = imports.get(alias);
    if (pack === undefined) throw new Error(`Cannot resolve Go type ${type}: no import ${alias}`);
    return `${pack}.${name}`;
  });
}

function fieldsOf(body: string, imports: Map<string, string>, aliases: Map<string, string>): string[] {
  const fields: string[] = [];
  for (const line of body.split("\n")) {
    const match = /^\t(?:(\w+)\s+)?([^\s`/]\S*)\s+`(.*)`(?:\s*\/\/.*)?$/.exec(line);
    if (match === null) continue;
    const [, , type = "", tags = ""] = match;
    const json = /json:"([^"]*)"/.exec(tags)?.[1];
    if (json === undefined || json === "-") continue;
    const [name = "", ...options] = json.split(",");
    const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
    const resolved = resolve(type, imports, aliases);
    const suffix = number === undefined ? "" : `#${number}`;
    if (name === "") fields.push(`+${resolved}${suffix}`);
    else {
      const omit = options.includes("omitzero") ? "!" : options.includes("omitempty") ? "?" : "";
      fields.push(`${name}${omit}:${resolved}${suffix}`);
    }
  }
  return fields;
}

/** Types of one package, each resolved when it is asked for. */
function typesOf(folder: string): Map<string, () => string> {
  const sources: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    if (!/\.go$/.test(entry.name) || /_test\.go$|generated|^zz_/.test(entry.name)) continue;
    sources.push(Deno.readTextFileSync(`${folder}/${entry.name}`));
  }
  const aliases = new Map<string, string>();
  for (const source of sources) {
    for (const [, name = "", real = ""] of source.matchAll(/^type ([A-Z]\w*) = ([A-Z]\w*)$/gm)) aliases.set(name, real);
  }
  const types = new Map<string, () => string>();
  for (const source of sources) {
    const imports = importsOf(source);
    for (const [, name = "", body = ""] of source.matchAll(/^type ([A-Z]\w*) struct \{\n([\s\S]*?)^\}/gm)) {
      types.set(name, () => fieldsOf(body, imports, aliases).join(" "));
    }
    for (const [, name = ""] of source.matchAll(/^type ([A-Z]\w*) struct ?\{\}$/gm)) types.set(name, () => "");
    for (const [, name = "", type = ""] of source.matchAll(/^type ([A-Z]\w*) ([a-z[][\w[\].]*)$/gm)) {
      if (type !== "interface" && type !== "struct") types.set(name, () => `=${resolve(type, imports, aliases)}`);
    }
  }
  return types;
}

/** `io.k8s.api.core.v1.Pod` as `["core/v1", "Pod"]`. */
function placeOf(definition: string): [string, string] {
  const parts = definition.split(".");
  return [parts.slice(-3, -1).join("/"), parts.at(-1) ?? ""];
}

const root = Deno.env.get("CHARTROOM_GO_SOURCES");
if (root === undefined) {
  // The sources are no part of a working copy: without them the committed table stands.
  console.log("go_types_text.ts: left alone, as CHARTROOM_GO_SOURCES names no folder of sources");
  Deno.exit(0);
}
const sources = new Map(Object.entries(packages).map(([name, folder]) => [name, typesOf(`${root}/${folder}`)]));
const found = new Map<string, string>();
// What OpenAPI knows, and from there everything that is embedded or named.
const waiting: [string, string][] = definitionNames().map(placeOf);
for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
  const [pack, name] = next;
  const key = `${pack}.${name}`;
  const make = sources.get(pack)?.get(name);
  if (make === undefined || found.has(key) || selfEncoding.test(name)) continue;
  const text = make();
  found.set(key, text);
  for (const [, other, type = ""] of text.matchAll(/(?:\b([a-z]+(?:\/\w+)?)\.)?\b([A-Z]\w*)/g)) {
    waiting.push([other ?? pack, type]);
  }
}

const rows = new Map<string, string[]>();
for (const [key, text] of [...found].sort(([a], [b]) => a < b ? -1 : 1)) {
  const [pack = "", name = ""] = key.split(".");
  rows.set(pack, [...rows.get(pack) ?? [], `${JSON.stringify(name)}: ${JSON.stringify(text)}`]);
}
const parts = [...rows].map(([pack, types]) => `${JSON.stringify(pack)}: {\n${types.join(",\n")}\n}`);
writeOrCheck(
  target,
  jsonModule("goTypesText", "Fields of Go structs and named Go types.", `{\n${parts.join(",\n")}\n}`),
);
