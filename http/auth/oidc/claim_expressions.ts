/** What issuers' rules say in CEL: of `claims`, and of the `user` that was made of them. */
import type { ParseResult } from "@marcbachmann/cel-js";
import type { JwtIssuer, Mapping } from "../../../machines/authentication/jwt_configuration.ts";
import { celEnvironment } from "../../custom_resources/cel/environment.ts";
import { CostMeter, evaluateMetered } from "../../custom_resources/cel/metered.ts";
import type { UserInfo } from "../../machinery/types.ts";
import { TokenRefused } from "../tokens/service_account_tokens.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** What all expressions about one token may cost together. */
const budget = 10_000_000;

interface Rule {
  readonly text: string;
  readonly message: string;
  readonly program: ParseResult;
}

/** Compiled once. */
export class ClaimExpressions {
  readonly #issuer: JwtIssuer;
  readonly #programs = new Map<string, ParseResult>();
  readonly #claimRules: readonly Rule[];
  readonly #userRules: readonly Rule[];

  /** @throws Error naming the expression that does not compile. */
  constructor(issuer: JwtIssuer) {
    this.#issuer = issuer;
    const ofClaims = celEnvironment().registerVariable("claims", "dyn");
    const ofUser = celEnvironment().registerVariable("user", "dyn");
    const compiled = (text: string, environment: ReturnType<typeof celEnvironment>) => {
      const { valid, error } = environment.check(text);
      if (!valid) throw new Error(`Cannot compile the expression ${JSON.stringify(text)}: ${error?.message}`);
      return environment.parse(text);
    };
    const rules = (given: JwtIssuer["userRules"], environment: ReturnType<typeof celEnvironment>) =>
      given.map(({ expression, message }) => ({
        text: expression,
        message,
        program: compiled(expression, environment),
      }));
    this.#claimRules = rules(issuer.claimRules, ofClaims);
    this.#userRules = rules(issuer.userRules, ofUser);
    for (const each of [issuer.username, issuer.groups, issuer.uid, ...issuer.extra]) {
      if (each !== undefined && "expression" in each) {
        this.#programs.set(each.expression, compiled(each.expression, ofClaims));
      }
    }
  }

  /** @throws TokenRefused saying which rule or mapping did not hold. */
  userOf(claims: Claims): UserInfo {
    const meter = new CostMeter(budget);
    for (const [claim, value] of Object.entries(this.#issuer.requiredClaims)) {
      if (claims[claim] !== value) {
        throw new TokenRefused(`oidc: required claim ${claim} has not the value it must have`);
      }
    }
    this.#check(this.#claimRules, { claims }, meter);
    const name = this.#one(this.#issuer.username, claims, meter, "username");
    if (name === "") throw new TokenRefused("oidc: the username is empty");
    const uid = this.#issuer.uid === undefined ? "" : this.#one(this.#issuer.uid, claims, meter, "uid");
    const groups = this.#issuer.groups === undefined ? [] : this.#many(this.#issuer.groups, claims, meter);
    const extra: Record<string, readonly string[]> = {};
    for (const { key, expression } of this.#issuer.extra) {
      const values = texts(this.#evaluated(expression, { claims }, meter)).filter((value) => value !== "");
      if (values.length > 0) extra[key] = values;
    }
    const user = {
      name,
      ...(uid === "" ? {} : { uid }),
      groups,
      ...(Object.keys(extra).length === 0 ? {} : { extra }),
    };
    this.#check(this.#userRules, { user: { username: name, uid, groups, extra } }, meter);
    return user;
  }

  #check(rules: readonly Rule[], scope: Record<string, unknown>, meter: CostMeter): void {
    for (const { text, message, program } of rules) {
      let value: unknown;
      try {
        value = evaluateMetered(program, scope, meter);
      } catch {
        throw new TokenRefused(`oidc: expression ${JSON.stringify(text)} could not be evaluated`);
      }
      if (value !== true) {
        throw new TokenRefused(`oidc: ${message || `expression ${JSON.stringify(text)} is not true`}`);
      }
    }
  }

  #evaluated(expression: string, scope: Record<string, unknown>, meter: CostMeter): unknown {
    try {
      return evaluateMetered(this.#programs.get(expression)!, scope, meter);
    } catch {
      throw new TokenRefused(`oidc: expression ${JSON.stringify(expression)} could not be evaluated`);
    }
  }

  #one(mapping: Mapping, claims: Claims, meter: CostMeter, what: string): string {
    const value = "expression" in mapping
      ? this.#evaluated(mapping.expression, { claims }, meter)
      : claims[mapping.claim];
    if (typeof value !== "string") throw new TokenRefused(`oidc: the claim for the ${what} is not there, or no text`);
    if ("expression" in mapping) return value;
    // An address that its issuer has not verified could be anybody's.
    if (mapping.claim === "email" && claims["email_verified"] === false) {
      throw new TokenRefused("oidc: email not verified");
    }
    return value === "" ? "" : mapping.prefix + value;
  }

  #many(mapping: Mapping, claims: Claims, meter: CostMeter): string[] {
    if ("expression" in mapping) return texts(this.#evaluated(mapping.expression, { claims }, meter));
    const value = claims[mapping.claim];
    return value === undefined ? [] : texts(value).map((group) => mapping.prefix + group);
  }
}

function texts(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === "string") return value === "" ? [] : [value];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value as string[];
  throw new TokenRefused("oidc: a value is neither text nor a list of texts");
}
