/**
 * JSON patch (RFC 6902) as the API server applies it: two liberties beyond the RFC are part of its behaviour. `replace`
 * of a member that is absent adds it, and a `test` for null holds for an absent member.
 */
import { copyJson, isObject, jsonEquals, type JsonObject } from "./json.ts";
import { PatchError } from "./patch_error.ts";

const maxOperations = 10_000;
const goKinds: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  boolean: "bool",
  object: "object",
};

/** @throws PatchError 400 for what is no list of operations, 422 for operations that do not apply. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    const kind = goKinds[typeof patch] ?? "object";
    throw new PatchError(
      400,
      `error decoding patch: json: cannot unmarshal ${kind} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > maxOperations) {
    throw new PatchError(
      413,
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  const document = { root: copyJson(target) };
  for (const operation of patch) apply(document, operation);
  return document.root;
}

interface Document {
  root: unknown;
}

function apply(document: Document, operation: unknown): void {
  if (!isObject(operation)) throw refused("an operation is no object");
  const { op, path, from, value } = operation;
  const has = Object.hasOwn(operation, "value");
  const at = pointer(path);
  switch (op) {
    case "add":
      if (!has) throw refused('"add" has no value');
      return put(document, at, copyJson(value), "add");
    case "replace":
      if (!has) throw refused('"replace" has no value');
      return put(document, at, copyJson(value), "replace");
    case "remove":
      remove(document, at);
      return;
    case "move": {
      const moved = remove(document, pointer(from));
      return put(document, at, moved, "add");
    }
    case "copy":
      return put(document, at, copyJson(look(document, pointer(from))), "add");
    case "test": {
      const found = look(document, at, true);
      if (!jsonEquals(found ?? null, value ?? null)) throw refused(`testing value ${String(path)} failed`);
      return;
    }
    default:
      throw refused(`unexpected kind: ${String(op)}`);
  }
}

function refused(message: string): PatchError {
  return new PatchError(422, message);
}

function pointer(path: unknown): string[] {
  if (typeof path !== "string") throw refused("an operation has no path");
  if (path === "") return [];
  if (!path.startsWith("/")) throw refused(`path ${path} does not begin with "/"`);
  return path.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function parentOf(document: Document, at: readonly string[]): JsonObject | unknown[] {
  let node: unknown = document.root;
  for (const part of at.slice(0, -1)) node = memberOf(node, part);
  if (typeof node !== "object" || node === null) throw refused(`/${at.join("/")}: doc is missing path`);
  return node as JsonObject | unknown[];
}

function memberOf(node: unknown, part: string): unknown {
  if (Array.isArray(node)) return node[indexOf(part, node.length - 1)];
  return isObject(node) && Object.hasOwn(node, part) ? node[part] : undefined;
}

/** An index up to `last`; negative ones count from the end. */
function indexOf(part: string, last: number): number {
  if (!/^-?\d+$/.test(part)) throw refused(`"${part}" is no index`);
  const index = Number(part);
  const place = index < 0 ? last + 1 + index : index;
  if (place < 0 || place > last) throw refused(`index ${part} is out of bounds`);
  return place;
}

function look(document: Document, at: readonly string[], lenient = false): unknown {
  if (at.length === 0) return document.root;
  const parent = parentOf(document, at);
  const found = memberOf(parent, at.at(-1)!);
  if (found === undefined && !lenient) throw refused(`/${at.join("/")}: doc is missing key`);
  return found;
}

function put(document: Document, at: readonly string[], value: unknown, how: "add" | "replace"): void {
  if (at.length === 0) {
    document.root = value;
    return;
  }
  const parent = parentOf(document, at);
  const last = at.at(-1)!;
  if (!Array.isArray(parent)) {
    if (last === "__proto__") throw refused(`"${last}" is no field`);
    parent[last] = value;
  } else if (how === "replace") {
    parent[indexOf(last, parent.length - 1)] = value;
  } else {
    parent.splice(last === "-" ? parent.length : indexOf(last, parent.length), 0, value);
  }
}

function remove(document: Document, at: readonly string[]): unknown {
  if (at.length === 0) throw refused("the whole document cannot be removed");
  const parent = parentOf(document, at);
  const last = at.at(-1)!;
  if (Array.isArray(parent)) return parent.splice(indexOf(last, parent.length - 1), 1)[0];
  if (!Object.hasOwn(parent, last)) throw refused(`/${at.join("/")}: unable to remove nonexistent key`);
  const removed = parent[last];
  delete parent[last];
  return removed;
}
