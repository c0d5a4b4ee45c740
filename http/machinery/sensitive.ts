/** Requests that carry secrets: what a bug says while one is carried out gets neither into a log nor into an answer. */
import { ApiError } from "../../machines/objects/status.ts";
import type { RequestInfo } from "./request_info.ts";

const sensitive = new Set(["secrets", "serviceaccounts/token", "tokenreviews"]);

export function isSensitive({ resource, subresource }: Pick<RequestInfo, "resource" | "subresource">): boolean {
  return sensitive.has(resource) || sensitive.has(`${resource}/${subresource}`);
}

/**
 * The error without its text, which may quote a value (JSON.parse quotes what it cannot read). Where it happened is
 * kept. Refusals of the API are written with care and stay.
 */
export function withoutText(error: unknown): unknown {
  if (error instanceof ApiError) return error;
  const { name = "Error", stack = "" } = error instanceof Error ? error : {};
  const told = new Error(`${name} in a request about secrets (its text is withheld)`);
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  told.stack = [told.message, ...frames].join("\n");
  return told;
}
