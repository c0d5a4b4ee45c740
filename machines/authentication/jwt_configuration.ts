/**
 * Whose tokens the API server believes besides its own, and what it reads in them
 * (apiserver.config.k8s.io/v1 AuthenticationConfiguration).
 */

export type Mapping = { readonly claim: string; readonly prefix: string } | { readonly expression: string };

export interface Condition {
  readonly expression: string;
  readonly message: string;
}

export interface JwtIssuer {
  readonly url: string;
  /** Where its discovery document is, if not below its URL. */
  readonly discoveryUrl: string;
  /** PEM; absent: what this host trusts. */
  readonly authority?: string;
  /** A token is for one of them. */
  readonly audiences: readonly string[];
  /** Absent: every one that verifies with a public key. */
  readonly algorithms?: readonly string[];
  readonly requiredClaims: Readonly<Record<string, string>>;
  readonly claimRules: readonly Condition[];
  readonly username: Mapping;
  readonly groups?: Mapping;
  readonly uid?: Mapping;
  readonly extra: readonly { readonly key: string; readonly expression: string }[];
  readonly userRules: readonly Condition[];
}

export interface AuthenticationRules {
  readonly issuers: readonly JwtIssuer[];
  /** Paths at which nobody in particular may ask; undefined: all. */
  readonly anonymousPaths?: readonly string[];
}

type Fields = Record<string, unknown>;

const discoveryPath = "/.well-known/openid-configuration";

/** The configuration that a parsed document is. @throws Error naming what is wrong. */
export function parseAuthentication(document: unknown): AuthenticationRules {
  const { apiVersion, kind, jwt, anonymous } = known(document, "it", ["apiVersion", "kind", "jwt", "anonymous"]);
  const versions = ["v1", "v1beta1"].map((version) => `apiserver.config.k8s.io/${version}`);
  if (!versions.includes(apiVersion as string) || kind !== "AuthenticationConfiguration") {
    throw refusal('it must be an "AuthenticationConfiguration" of "apiserver.config.k8s.io/v1"');
  }
  const issuers = list(jwt, "jwt").map((each, index) => parseIssuer(each, `jwt[${index}]`));
  const doubled = issuers.find(({ url }, index) => issuers.findIndex((each) => each.url === url) < index);
  if (doubled !== undefined) throw refusal(`jwt: the issuer ${doubled.url} is there twice`);
  const paths = anonymous === undefined ? undefined : parseAnonymous(anonymous);
  return { issuers, ...(paths === undefined ? {} : { anonymousPaths: paths }) };
}

function parseAnonymous(given: unknown): readonly string[] | undefined {
  const { enabled, conditions } = known(given, "anonymous", ["enabled", "conditions"]);
  const paths = list(conditions, "anonymous.conditions").map((each, index) =>
    text(known(each, `anonymous.conditions[${index}]`, ["path"])["path"], `anonymous.conditions[${index}].path`)
  );
  if (enabled !== true) {
    if (paths.length > 0) throw refusal("anonymous.conditions: they need anonymous.enabled");
    return [];
  }
  return paths.length === 0 ? undefined : paths;
}

function parseIssuer(given: unknown, at: string): JwtIssuer {
  const names = ["issuer", "claimValidationRules", "claimMappings", "userValidationRules"];
  const { issuer, claimValidationRules, claimMappings, userValidationRules } = known(given, at, names);
  const from = known(issuer, `${at}.issuer`, [
    ...["url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy", "egressSelectorType"],
  ]);
  const url = httpsUrl(from["url"], `${at}.issuer.url`);
  const audiences = list(from["audiences"], `${at}.issuer.audiences`).map(String);
  if (audiences.length === 0) throw refusal(`${at}.issuer.audiences: there must be at least one`);
  const policy = from["audienceMatchPolicy"];
  if ((audiences.length > 1 || policy !== undefined) && policy !== "MatchAny") {
    throw refusal(`${at}.issuer.audienceMatchPolicy: it must be "MatchAny" where there are several audiences`);
  }
  if (from["egressSelectorType"] !== undefined) {
    throw refusal(`${at}.issuer.egressSelectorType: there are no egress selectors here; leave it out`);
  }
  const requiredClaims: Record<string, string> = {};
  const claimRules: Condition[] = [];
  list(claimValidationRules, `${at}.claimValidationRules`).forEach((each, index) => {
    const place = `${at}.claimValidationRules[${index}]`;
    const rule = known(each, place, ["claim", "requiredValue", "expression", "message"]);
    if (rule["expression"] !== undefined && rule["claim"] !== undefined) {
      throw refusal(`${place}: it is about a claim or an expression, not about both`);
    }
    if (rule["expression"] !== undefined) claimRules.push(condition(rule, place));
    else requiredClaims[text(rule["claim"], `${place}.claim`)] = optional(rule["requiredValue"]);
  });
  const maps = known(claimMappings, `${at}.claimMappings`, ["username", "groups", "uid", "extra"]);
  const username = mapping(maps["username"], `${at}.claimMappings.username`, true);
  if (username === undefined) throw refusal(`${at}.claimMappings.username: a claim or an expression is needed`);
  const groups = mapping(maps["groups"], `${at}.claimMappings.groups`, true);
  const uid = mapping(maps["uid"], `${at}.claimMappings.uid`, false);
  const discovery = from["discoveryURL"];
  const authority = from["certificateAuthority"];
  return {
    url,
    discoveryUrl: discovery === undefined
      ? `${url.replace(/\/$/, "")}${discoveryPath}`
      : httpsUrl(discovery, `${at}.issuer.discoveryURL`),
    ...(authority === undefined ? {} : { authority: text(authority, `${at}.issuer.certificateAuthority`) }),
    audiences,
    requiredClaims,
    claimRules,
    username,
    ...(groups === undefined ? {} : { groups }),
    ...(uid === undefined ? {} : { uid }),
    extra: list(maps["extra"], `${at}.claimMappings.extra`).map((each, index) =>
      extra(each, `${at}.claimMappings.extra[${index}]`)
    ),
    userRules: list(userValidationRules, `${at}.userValidationRules`).map((each, index) => {
      const place = `${at}.userValidationRules[${index}]`;
      return condition(known(each, place, ["expression", "message"]), place);
    }),
  };
}

function condition(rule: Fields, at: string): Condition {
  return { expression: text(rule["expression"], `${at}.expression`), message: optional(rule["message"]) };
}

function mapping(given: unknown, at: string, hasPrefix: boolean): Mapping | undefined {
  if (given === undefined || given === null) return undefined;
  const { claim, prefix, expression } = known(given, at, ["claim", "expression", ...(hasPrefix ? ["prefix"] : [])]);
  if (expression !== undefined) {
    if (claim !== undefined || prefix !== undefined) throw refusal(`${at}: an expression stands alone`);
    return { expression: text(expression, `${at}.expression`) };
  }
  if (hasPrefix && prefix === undefined) throw refusal(`${at}.prefix: it is needed beside a claim, and may be ""`);
  return { claim: text(claim, `${at}.claim`), prefix: optional(prefix) };
}

function extra(given: unknown, at: string): { key: string; expression: string } {
  const { key, valueExpression } = known(given, at, ["key", "valueExpression"]);
  const name = text(key, `${at}.key`);
  if (!/^[a-z0-9.-]+\.[a-z0-9.-]+\/[a-z0-9_.%/-]+$/.test(name)) {
    throw refusal(`${at}.key: ${JSON.stringify(name)} must be a lower-case path below a domain`);
  }
  if (/^([a-z0-9.-]+\.)?(kubernetes|k8s)\.io\//.test(name)) {
    throw refusal(`${at}.key: ${JSON.stringify(name)} is below a domain of Kubernetes' own`);
  }
  return { key: name, expression: text(valueExpression, `${at}.valueExpression`) };
}

function httpsUrl(given: unknown, at: string): string {
  const url = text(given, at);
  const parsed = URL.parse(url);
  if (parsed?.protocol !== "https:" || parsed.username !== "" || parsed.search !== "" || parsed.hash !== "") {
    throw refusal(`${at}: ${JSON.stringify(url)} must be an https URL without user, query and fragment`);
  }
  return url;
}

function known(given: unknown, at: string, names: readonly string[]): Fields {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw refusal(`${at} must be an object`);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw refusal(`${at}.${unknown}: there is no such member`);
  return given as Fields;
}

function list(given: unknown, at: string): readonly unknown[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw refusal(`${at} must be a list`);
  return given;
}

function text(given: unknown, at: string): string {
  if (typeof given !== "string" || given === "") throw refusal(`${at}: it is needed, as text`);
  return given;
}

function optional(given: unknown): string {
  return typeof given === "string" ? given : "";
}

function refusal(why: string): Error {
  return new Error(`Cannot use the authentication configuration: ${why}`);
}

/** One issuer, as kube-apiserver's `--oidc-...` options say it. */
export interface OidcOptions {
  readonly issuerUrl: string;
  readonly clientId: string;
  readonly usernameClaim?: string | undefined;
  /** "-": none. Default: none for `email`, else the issuer's URL and "#". */
  readonly usernamePrefix?: string | undefined;
  readonly groupsClaim?: string | undefined;
  readonly groupsPrefix?: string | undefined;
  /** `claim=value` each. */
  readonly requiredClaims?: readonly string[];
  readonly algorithms?: readonly string[] | undefined;
  readonly authority?: string | undefined;
}

export function oidcIssuer(options: OidcOptions): JwtIssuer {
  const { clientId, usernameClaim = "sub", usernamePrefix, groupsClaim, groupsPrefix = "", authority } = options;
  const url = httpsUrl(options.issuerUrl, "--oidc-issuer-url");
  const usual = usernameClaim === "email" ? "" : `${url}#`;
  return {
    url,
    discoveryUrl: `${url.replace(/\/$/, "")}${discoveryPath}`,
    ...(authority === undefined ? {} : { authority }),
    audiences: [clientId],
    algorithms: options.algorithms ?? ["RS256"],
    requiredClaims: Object.fromEntries((options.requiredClaims ?? []).map((each) => {
      const [name = "", ...value] = each.split("=");
      if (name === "" || value.length === 0) {
        throw new Error(`Cannot use --oidc-required-claim ${each}: it must be claim=value`);
      }
      return [name, value.join("=")];
    })),
    claimRules: [],
    username: { claim: usernameClaim, prefix: usernamePrefix === "-" ? "" : usernamePrefix ?? usual },
    ...(groupsClaim === undefined ? {} : { groups: { claim: groupsClaim, prefix: groupsPrefix } }),
    extra: [],
    userRules: [],
  };
}
