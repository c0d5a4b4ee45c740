/**
 * The names and signatures of `jsr:@std/yaml@1` that Chartroom uses, over npm `yaml`, for places where JSR is out of
 * reach. Where it is reachable, map `@std/yaml` to `jsr:@std/yaml@1` in deno.json: it is a drop-in.
 */
import { parse as parseDocument, parseAllDocuments, stringify as stringifyDocument } from "yaml";

/** Parses one YAML document. @throws SyntaxError with line and column. */
export function parse(content: string): unknown {
  try {
    return parseDocument(content, { uniqueKeys: false, merge: true });
  } catch (error) {
    throw new SyntaxError((error as Error).message);
  }
}

/** Parses every document of a stream. @throws SyntaxError with line and column. */
export function parseAll(content: string): unknown[] {
  const documents = parseAllDocuments(content, { uniqueKeys: false, merge: true });
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new SyntaxError(error.message);
    return document.toJS();
  });
}

/** One YAML document. */
export function stringify(data: unknown): string {
  return stringifyDocument(data, { lineWidth: 0 });
}
