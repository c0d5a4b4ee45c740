/** Where a list goes on, as clients hand it back: the revision and the first key of the next page. */
import { badRequest } from "./errors.ts";
import type { Entry } from "./stored_object.ts";

const tokenVersion = "meta.k8s.io/v1";

export interface ContinueToken {
  /** -1: whatever is present. */
  readonly revision: number;
  /** `/NAME\0` in a namespace, `/NAMESPACE/NAME\0` across namespaces. */
  readonly start: string;
}

/** An entry's key as tokens have it; `wide`: in a list across namespaces. */
export function continuationKey(entry: Entry, wide: boolean): string {
  return wide ? `/${entry.namespace}/${entry.name}` : `/${entry.name}`;
}

export function encodeContinue(revision: number, start: string): string {
  const bytes = new TextEncoder().encode(JSON.stringify({ v: tokenVersion, rv: revision, start }));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws ApiError 400 in Kubernetes' words. */
export function parseContinue(token: string): ContinueToken {
  const refuse = (why: string) => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  let text: string;
  try {
    text = new TextDecoder("latin1").decode(Uint8Array.fromBase64(token, { alphabet: "base64url" }));
  } catch {
    throw refuse("illegal base64 data");
  }
  let value: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    value = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(token, { alphabet: "base64url" })));
  } catch {
    throw refuse(`invalid character '${text[0] ?? ""}' looking for beginning of value`);
  }
  if (value.v !== tokenVersion) {
    throw refuse(`server does not recognize this encoded version ${JSON.stringify(value.v ?? "")}`);
  }
  if (typeof value.rv !== "number" || value.rv === 0) {
    throw refuse(`incorrect encoded start resourceVersion (version ${tokenVersion})`);
  }
  if (typeof value.start !== "string" || value.start === "") {
    throw refuse(`encoded start key empty (version ${tokenVersion})`);
  }
  const start = value.start.startsWith("/") ? value.start : `/${value.start}`;
  if (start.split("/").includes("..")) throw refuse(`${start}`);
  return { revision: value.rv, start };
}
