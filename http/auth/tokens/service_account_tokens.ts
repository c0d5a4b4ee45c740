/**
 * Service account tokens: JSON Web Tokens (ES256) bound to a service account and, if asked, to a pod, secret or node
 * (Kubernetes docs, "Managing Service Accounts", "Bound service account tokens"). A token ends with what it is bound to,
 * so that is looked up each time; the signature of a token is checked once and remembered.
 */
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { UserInfo } from "../../machinery/types.ts";
import { serviceAccountUserName } from "../rbac/rules.ts";
import { authenticated, credentialId } from "../users.ts";

export const defaultIssuer = "https://kubernetes.default.svc.cluster.local";

interface Named {
  readonly name: string;
  readonly uid: string;
}

/** The claim `kubernetes.io`. */
export interface Bound {
  readonly namespace: string;
  readonly serviceaccount: Named;
  readonly pod?: Named;
  readonly secret?: Named;
  readonly node?: Named;
  /** Seconds since 1970, after which a use of a long-lived token is worth a warning. */
  readonly warnafter?: number;
}

export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
  readonly "kubernetes.io": Bound;
}

/** What a token is bound to, as it stands now. */
export interface BoundObjects {
  /** The object's uid and whether it counts still; undefined when there is none. */
  find(
    kind: "serviceaccounts" | "pods" | "secrets" | "nodes",
    namespace: string | undefined,
    name: string,
  ): Promise<{ readonly uid: string; readonly deletionTimestamp?: string } | undefined>;
}

export interface TokenOptions {
  /** PKCS #8 PEM, P-256. */
  readonly key: string;
  /** Keys of earlier times, PKCS #8 or SPKI PEM, whose tokens are still good. */
  readonly formerKeys?: readonly string[];
  readonly issuer?: string;
  /** Audiences of the API server itself. Default: the issuer. */
  readonly audiences?: readonly string[];
  /** Wall time in ms. */
  readonly now: () => number;
  readonly uuid: () => string;
  readonly objects: BoundObjects;
}

/** Why a token is not believed, in the words that a TokenReview tells. */
export class TokenRefused extends Error {
  override name = "TokenRefused";
}

interface VerifyingKey {
  readonly id: string;
  readonly key: KeyObject;
}

const remembered = 4_096;
/** How long after its deletion a pod's tokens still work: it needs them while it shuts down. */
const deletionLeewayMs = 60_000;

export class ServiceAccountTokens {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly #options: TokenOptions;
  readonly #key: KeyObject;
  readonly #verifying: readonly VerifyingKey[];
  /** Tokens whose signature and shape were found good; least recently added first. */
  readonly #good = new Map<string, Claims>();

  constructor(options: TokenOptions) {
    this.#options = options;
    this.issuer = options.issuer ?? defaultIssuer;
    this.audiences = options.audiences ?? [this.issuer];
    this.#key = createPrivateKey(options.key);
    this.#verifying = [options.key, ...(options.formerKeys ?? [])].map((text) => {
      const key = createPublicKey(text);
      return { id: keyId(key), key };
    });
  }

  /** Signs. `exp` and what it is bound to are the caller's to decide. */
  async sign(bound: Bound, audiences: readonly string[], expires: number, issued: number): Promise<string> {
    const { SignJWT } = await import("jose");
    const payload = {
      aud: [...audiences],
      exp: expires,
      iat: issued,
      iss: this.issuer,
      jti: this.#options.uuid(),
      "kubernetes.io": bound,
      nbf: issued,
      sub: serviceAccountUserName(bound.namespace, bound.serviceaccount.name),
    };
    const { id } = this.#verifying[0]!;
    return await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: id }).sign(this.#key);
  }

  /** Whether the token says of itself that it is one of ours: then nobody else is asked about it. */
  claims(token: string): boolean {
    return this.#good.has(token) || payloadOf(token)?.iss === this.issuer;
  }

  /**
   * Who the token speaks for, and for which of `audiences`.
   *
   * @throws TokenRefused with the reason when it is not to be believed.
   */
  async verify(
    token: string,
    audiences: readonly string[] = this.audiences,
  ): Promise<{ user: UserInfo; audiences: string[]; claims: Claims }> {
    const claims = await this.#verifiedClaims(token);
    const now = this.#options.now() / 1000;
    if (now >= claims.exp) throw new TokenRefused("service account token has expired");
    if (now + 10 < claims.nbf) throw new TokenRefused("service account token is not valid yet");
    const common = audiences.filter((audience) => claims.aud.includes(audience));
    if (common.length === 0) {
      const [have, want] = [claims.aud, audiences].map((list) => list.map((one) => JSON.stringify(one)).join(" "));
      throw new TokenRefused(`token audiences [${have}] is invalid for the target audiences [${want}]`);
    }
    await this.#checkBound(claims["kubernetes.io"]);
    return { user: userOf(claims), audiences: common, claims };
  }

  /** The public keys, for those who verify tokens elsewhere (RFC 7517). */
  async keySet(): Promise<{ keys: Record<string, unknown>[] }> {
    const { exportJWK } = await import("jose");
    const keys = await Promise.all(this.#verifying.map(async ({ id, key }) => {
      return { use: "sig", ...await exportJWK(key), kid: id, alg: "ES256" };
    }));
    return { keys };
  }

  async #verifiedClaims(token: string): Promise<Claims> {
    const known = this.#good.get(token);
    if (known !== undefined) return known;
    const { compactVerify, decodeProtectedHeader } = await import("jose");
    let kid: string | undefined;
    try {
      ({ kid } = decodeProtectedHeader(token));
    } catch {
      throw new TokenRefused("invalid bearer token");
    }
    const candidates = this.#verifying.filter(({ id }) => kid === undefined || kid === id);
    for (const { key } of candidates) {
      let payload: Uint8Array;
      try {
        ({ payload } = await compactVerify(token, key, { algorithms: ["ES256"] }));
      } catch {
        continue;
      }
      const claims = readClaims(JSON.parse(new TextDecoder().decode(payload)), this.issuer);
      if (this.#good.size >= remembered) this.#good.delete(this.#good.keys().next().value ?? "");
      this.#good.set(token, claims);
      return claims;
    }
    throw new TokenRefused("invalid bearer token");
  }

  async #checkBound({ namespace, serviceaccount, pod, secret, node }: Bound): Promise<void> {
    const { objects, now } = this.#options;
    const check = async (
      kind: Parameters<BoundObjects["find"]>[0],
      home: string | undefined,
      bound: Named | undefined,
      word: string,
    ) => {
      if (bound === undefined) return;
      const found = await objects.find(kind, home, bound.name);
      if (found === undefined) throw new TokenRefused(`${word} ${JSON.stringify(bound.name)} not found`);
      if (found.uid !== bound.uid) {
        throw new TokenRefused(`${word} UID (${found.uid}) does not match claim (${bound.uid})`);
      }
      const { deletionTimestamp } = found;
      if (deletionTimestamp !== undefined && Date.parse(deletionTimestamp) + deletionLeewayMs < now()) {
        throw new TokenRefused(`${word} ${JSON.stringify(bound.name)} has been deleted`);
      }
    };
    await check("serviceaccounts", namespace, serviceaccount, "service account");
    await check("secrets", namespace, secret, "secret");
    await check("pods", namespace, pod, "pod");
    // A pod's own node is told, not checked: the pod is what the token lives with.
    if (pod === undefined) await check("nodes", undefined, node, "node");
  }
}

function userOf(claims: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims["kubernetes.io"];
  const extra: Record<string, string[]> = { [credentialId]: [`JTI=${claims.jti}`] };
  for (const [word, bound] of [["pod", pod], ["node", node]] as const) {
    if (bound === undefined) continue;
    extra[`authentication.kubernetes.io/${word}-name`] = [bound.name];
    extra[`authentication.kubernetes.io/${word}-uid`] = [bound.uid];
  }
  return {
    name: serviceAccountUserName(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: authenticated(serviceAccountGroups(namespace)),
    extra,
  };
}

export function serviceAccountGroups(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** @throws TokenRefused when a claim that everything rests on is missing. */
function readClaims(payload: unknown, issuer: string): Claims {
  const claims = payload as Partial<Record<keyof Claims, unknown>>;
  const bound = claims["kubernetes.io"] as Partial<Bound> | undefined;
  const audiences = typeof claims.aud === "string" ? [claims.aud] : claims.aud;
  const whole = claims.iss === issuer && Array.isArray(audiences) && typeof claims.exp === "number" &&
    typeof bound?.namespace === "string" && typeof bound.serviceaccount?.name === "string" &&
    typeof bound.serviceaccount.uid === "string" &&
    claims.sub === serviceAccountUserName(bound.namespace, bound.serviceaccount.name);
  if (!whole) throw new TokenRefused("invalid bearer token");
  return { ...claims, nbf: claims.nbf ?? 0, jti: claims.jti ?? "", aud: audiences } as unknown as Claims;
}

export function payloadOf(token: string): { iss?: unknown } | undefined {
  const [, payload, signature, ...rest] = token.split(".");
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined;
  try {
    const value = JSON.parse(Buffer.from(payload, "base64url").toString()) as unknown;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** As kube-apiserver names its keys: a digest of the public key. */
function keyId(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" }) as Uint8Array;
  return createHash("sha256").update(der).digest("base64url");
}
