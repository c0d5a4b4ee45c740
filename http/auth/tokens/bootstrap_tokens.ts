/** Who shows a bootstrap token: a machine that wants to join. */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import {
  bootstrappers,
  bootstrapTokenPrefix,
  hasExpired,
  readBootstrapToken,
  tokenParts,
} from "../../../machines/controllers/bootstrap_tokens/bootstrap_token.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { UserInfo } from "../../machinery/types.ts";
import { authenticated } from "../users.ts";

export interface BootstrapTokenOptions {
  /** Wall time in ms. */
  readonly now: () => number;
  /** A Secret of kube-system, as it stands now. */
  secret(name: string): Promise<KubeObject | undefined>;
}

export class BootstrapTokens {
  constructor(readonly options: BootstrapTokenOptions) {}

  /** Whether it looks like one. */
  claims(token: string): boolean {
    return tokenParts(token) !== undefined;
  }

  /** The user `system:bootstrap:ID`; undefined when the token is not good, or not any more. */
  async verify(token: string): Promise<UserInfo | undefined> {
    const parts = tokenParts(token);
    if (parts === undefined) return undefined;
    const object = await this.options.secret(`${bootstrapTokenPrefix}${parts.id}`);
    const known = object === undefined ? undefined : readBootstrapToken(object);
    if (known === undefined || !sameSecret(known.secret, parts.secret)) return undefined;
    if (hasExpired(known, this.options.now()) || !known.usages.includes("authentication")) return undefined;
    return {
      name: `system:bootstrap:${known.id}`,
      groups: authenticated([bootstrappers, ...known.groups.filter((group) => group !== bootstrappers)]),
    };
  }
}

/** A detached JSON web signature, HS256 with the token's secret (RFC 7515, appendix F). */
export function signDetached(payload: string, tokenId: string, tokenSecret: string): string {
  const header = base64Url(JSON.stringify({ alg: "HS256", kid: tokenId }));
  const signature = createHmac("sha256", tokenSecret).update(`${header}.${base64Url(payload)}`).digest("base64url");
  return `${header}..${signature}`;
}

export function isSignedBy(signature: string, payload: string, token: string): boolean {
  const parts = tokenParts(token);
  if (parts === undefined) return false;
  const [header = "", middle, mac = ""] = signature.split(".");
  if (middle !== "") return false;
  // The header is the signer's to write; what counts is that it names this token and this way of signing.
  let said: { alg?: string; kid?: string };
  try {
    said = JSON.parse(Buffer.from(header, "base64url").toString());
  } catch {
    return false;
  }
  if (said.alg !== "HS256" || said.kid !== parts.id) return false;
  const wanted = createHmac("sha256", parts.secret).update(`${header}.${base64Url(payload)}`).digest("base64url");
  return sameSecret(mac, wanted);
}

function base64Url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** In a time that tells nothing of where they differ. */
function sameSecret(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
