/** The documents of `/openapi/v3` of the built-in API: one per group version, made when first asked for. */
import { createHash } from "node:crypto";
import { definitionsText } from "./generated/definitions_text.ts";
import { pathsText } from "./generated/paths_text.ts";
import { definitionOf } from "./kinds.ts";
import { describedDefinition } from "./openapi_definitions.ts";
import { apiVersionInfo, openapiDocument } from "./openapi_document.ts";
import { allPaths, documentOf, operationsOf } from "./openapi_operations.ts";

let byDocument: Map<string, string[]> | undefined;

function documents(): Map<string, string[]> {
  if (byDocument !== undefined) return byDocument;
  byDocument = new Map();
  for (const path of allPaths()) {
    const name = documentOf(path);
    const paths = byDocument.get(name);
    if (paths === undefined) byDocument.set(name, [path]);
    else paths.push(path);
  }
  return byDocument;
}

let index: { paths: Record<string, { serverRelativeURL: string }> } | undefined;

/** Where each document is; the address changes when the document may. */
export function openapiV3Index(): { readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> } {
  if (index !== undefined) return index;
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const name of documents().keys()) {
    paths[name] = documentAddress(name, `${apiVersionInfo.version}\n${definitionsText}\n${pathsText}`);
  }
  return index = { paths };
}

/** @param content What the document is made of: another content, another address. */
export function documentAddress(name: string, content: string): { serverRelativeURL: string } {
  const hash = createHash("sha512").update(`${name}\n${content}`).digest("hex").toUpperCase();
  return { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` };
}

const made = new Map<string, unknown>();

/** @returns undefined where there is no such document. */
export function openapiV3(name: string): unknown {
  const paths = documents().get(name);
  if (paths === undefined) return undefined;
  let document = made.get(name);
  if (document === undefined) made.set(name, document = build(name, paths));
  return document;
}

function build(name: string, paths: readonly string[]): unknown {
  const operations = new Map(paths.map((path) => [path, operationsOf(path)]));
  return openapiDocument({ name, paths: operations, definitionOf, schemaOf: describedDefinition });
}
