/** Believes the tokens of one issuer (OpenID Connect Core 1.0, ID tokens), by the keys that it publishes. */
import type { JSONWebKeySet } from "jose";
import type { JwtIssuer } from "../../../machines/authentication/jwt_configuration.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { TokenAuthenticator, UserInfo } from "../../machinery/types.ts";
import { payloadOf, TokenRefused } from "../tokens/service_account_tokens.ts";
import { authenticated } from "../users.ts";
import { ClaimExpressions, type Claims } from "./claim_expressions.ts";

/** An unknown key has the issuer asked again, but not for each of a flood of bad tokens. */
const askAgainAfterMs = 10_000;
/** Keys that an issuer has taken back are believed no longer than this. */
const keysAreFreshMs = 3_600_000;
/** How far its clock may be before ours. */
const leewaySeconds = 10;

const publicKeyAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

type Resolve = ReturnType<typeof import("jose").createLocalJWKSet>;

export interface JwtWorld {
  readonly clock: Pick<Clock, "now" | "wallTime">;
  /** The JSON document at a URL of the issuer's. */
  get(url: string): Promise<unknown>;
  report(problem: string): void;
}

export class JwtAuthenticator implements TokenAuthenticator {
  readonly #issuer: JwtIssuer;
  readonly #clock: JwtWorld["clock"];
  readonly #expressions: ClaimExpressions;
  #keys: { readonly resolve: Resolve; readonly at: number } | undefined;
  #asking: Promise<Resolve> | undefined;
  #failedAt = -Infinity;

  readonly #world: JwtWorld;

  /** @throws Error when an expression of its rules does not compile. */
  constructor(issuer: JwtIssuer, world: JwtWorld) {
    this.#issuer = issuer;
    this.#clock = world.clock;
    this.#world = world;
    this.#expressions = new ClaimExpressions(issuer);
  }

  async authenticate(token: string): Promise<UserInfo | undefined> {
    if (payloadOf(token)?.iss !== this.#issuer.url) return undefined;
    const user = this.#expressions.userOf(await this.#verified(token));
    return { ...user, groups: authenticated(user.groups) };
  }

  async #verified(token: string): Promise<Claims> {
    const { jwtVerify, errors } = await import("jose");
    const { url, audiences, algorithms = publicKeyAlgorithms } = this.#issuer;
    const now = this.#clock.wallTime();
    const verify = async (resolve: Resolve) =>
      (await jwtVerify(token, resolve, {
        issuer: url,
        audience: [...audiences],
        algorithms: [...algorithms],
        requiredClaims: ["exp"],
        currentDate: new Date(now),
        clockTolerance: 0,
      })).payload;
    try {
      try {
        return checkedTimes(await verify(await this.#resolver(false)), now);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        // It may have been signed with a key that came since.
        return checkedTimes(await verify(await this.#resolver(true)), now);
      }
    } catch (error) {
      if (error instanceof TokenRefused) throw error;
      throw new TokenRefused(`oidc: verify token: ${(error as Error).message}`);
    }
  }

  async #resolver(anew: boolean): Promise<Resolve> {
    const now = this.#clock.now();
    const known = this.#keys;
    const age = known === undefined ? Infinity : now - known.at;
    if (known !== undefined && (anew ? age < askAgainAfterMs : age < keysAreFreshMs)) return known.resolve;
    if (now - this.#failedAt < askAgainAfterMs) {
      if (known !== undefined) return known.resolve;
      throw new Error("Cannot get the issuer's keys: it did not answer a moment ago");
    }
    this.#asking ??= this.#ask().finally(() => this.#asking = undefined);
    try {
      return await this.#asking;
    } catch (error) {
      this.#failedAt = now;
      this.#world.report(`Issuer ${this.#issuer.url}: ${(error as Error).message}`);
      if (known === undefined) throw error;
      return known.resolve;
    }
  }

  async #ask(): Promise<Resolve> {
    const { createLocalJWKSet } = await import("jose");
    const { url, discoveryUrl } = this.#issuer;
    const { get } = this.#world;
    const { issuer, jwks_uri } = await get(discoveryUrl) as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== url) throw new Error(`Cannot trust "${url}": it calls itself ${JSON.stringify(issuer)}`);
    if (typeof jwks_uri !== "string" || URL.parse(jwks_uri)?.protocol !== "https:") {
      throw new Error(`Cannot get the keys of "${url}": it does not say where they are`);
    }
    const resolve = createLocalJWKSet(await get(jwks_uri) as JSONWebKeySet);
    this.#keys = { resolve, at: this.#clock.now() };
    return resolve;
  }
}

/** `nbf` is allowed a little of the other's clock; `exp` is not. */
function checkedTimes(claims: Claims, now: number): Claims {
  const issued = claims["iat"];
  if (typeof issued === "number" && issued > now / 1000 + leewaySeconds) {
    throw new TokenRefused("oidc: verify token: it was issued in the future");
  }
  return claims;
}
