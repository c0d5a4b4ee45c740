/** Whom a master believes and asks besides itself, as its options say: issuers of tokens, and webhooks. */
import type { JwtAuthenticator } from "../http/auth/oidc/jwt_authenticator.ts";
import { defaultIssuer } from "../http/auth/tokens/service_account_tokens.ts";
import type { Authorizer, TokenAuthenticator } from "../http/machinery/types.ts";
import { getJson, kubeconfigTarget, type WebhookTarget } from "../http/outgoing/kubeconfig_target.ts";
import {
  type AuthenticationRules,
  type JwtIssuer,
  oidcIssuer,
  parseAuthentication,
} from "../machines/authentication/jwt_configuration.ts";
import type { Clock, Wake } from "../ports/clock.ts";
import { type ApiServerFlags, numberOf, readNamed, textOf, understood } from "./api_server_flags.ts";

/** @throws Error saying what is wrong with the options. */
export async function checkAuthentication(flags: ApiServerFlags): Promise<void> {
  await readRules(flags);
  await readWebhook(flags, "authentication-token-webhook-config-file");
  await readWebhook(flags, "authorization-webhook-config-file");
}

async function readRules(flags: ApiServerFlags): Promise<AuthenticationRules> {
  const text = await readNamed(flags, "authentication-config");
  const [oidc] = Object.keys(flags).filter((flag) => flag.startsWith("oidc-"));
  if (text !== undefined && oidc !== undefined) {
    throw new Error(`Cannot use --${oidc} with --authentication-config, which says it all`);
  }
  if (text !== undefined) {
    const { parse } = await import("yaml");
    return await understood(flags, "authentication-config", async () => {
      const rules = parseAuthentication(parse(text));
      await checkIssuers(rules.issuers);
      return rules;
    });
  }
  if (oidc === undefined) return { issuers: [] };
  const issuerUrl = textOf(flags, "oidc-issuer-url"), clientId = textOf(flags, "oidc-client-id");
  if (issuerUrl === undefined || clientId === undefined) {
    throw new Error(`Cannot use --${oidc} alone: --oidc-issuer-url and --oidc-client-id are needed`);
  }
  const issuer = oidcIssuer({
    issuerUrl,
    clientId,
    usernameClaim: textOf(flags, "oidc-username-claim"),
    usernamePrefix: textOf(flags, "oidc-username-prefix"),
    groupsClaim: textOf(flags, "oidc-groups-claim"),
    groupsPrefix: textOf(flags, "oidc-groups-prefix"),
    requiredClaims: flags["oidc-required-claim"] as string[] | undefined ?? [],
    algorithms: textOf(flags, "oidc-signing-algs")?.split(","),
    authority: await readNamed(flags, "oidc-ca-file"),
  });
  return { issuers: [issuer] };
}

async function checkIssuers(issuers: readonly JwtIssuer[]): Promise<void> {
  if (issuers.some(({ url }) => url === defaultIssuer)) {
    throw new Error(`Cannot believe another ${defaultIssuer}: that is the issuer of the cluster's own tokens`);
  }
  const { ClaimExpressions } = await import("../http/auth/oidc/claim_expressions.ts");
  for (const issuer of issuers) new ClaimExpressions(issuer);
}

async function readWebhook(flags: ApiServerFlags, flag: string): Promise<WebhookTarget | undefined> {
  const text = await readNamed(flags, flag);
  if (text === undefined) return undefined;
  return await understood(flags, flag, () => kubeconfigTarget(text, Deno.readTextFile));
}

export interface RunningAuthentication {
  readonly tokens: readonly TokenAuthenticator[];
  readonly authorizers: readonly Authorizer[];
  /** Whether nobody in particular may ask at a path. */
  allowsAnonymous(path: string): boolean;
  stop(): void;
}

export interface AuthenticationWorld {
  readonly flags: ApiServerFlags;
  readonly clock: Clock;
  report(problem: string): void;
}

/** How soon a change of the file is seen. */
const lookEveryMs = 2_000;
/** How long an issuer has to answer. */
const askMs = 10_000;

export async function startAuthentication(world: AuthenticationWorld): Promise<RunningAuthentication> {
  const { flags, clock, report } = world;
  const audiences = [defaultIssuer];
  const { JwtAuthenticator: Issuer } = await import("../http/auth/oidc/jwt_authenticator.ts");
  const { TokenWebhook } = await import("../http/auth/webhooks/token_webhook.ts");
  const { accessWebhook } = await import("../http/auth/webhooks/access_webhook.ts");
  let issuers: readonly JwtAuthenticator[] = [];
  let paths: readonly string[] | undefined;
  const use = (rules: AuthenticationRules) => {
    const get = (authority: string | undefined) => (url: string) => getJson(url, authority, clock, askMs);
    issuers = rules.issuers.map((issuer) => new Issuer(issuer, { clock, get: get(issuer.authority), report }));
    paths = rules.anonymousPaths;
  };
  use(await readRules(flags));
  const tokenWebhook = await readWebhook(flags, "authentication-token-webhook-config-file");
  const accessTarget = await readWebhook(flags, "authorization-webhook-config-file");
  const file = new FollowedFile(flags, clock, use, report);
  await file.follow();
  const fromIssuers: TokenAuthenticator = {
    async authenticate(token) {
      for (const issuer of issuers) {
        const user = await issuer.authenticate(token);
        if (user !== undefined) return user;
      }
      return undefined;
    },
  };
  const cacheMs = numberOf(flags, "authentication-token-webhook-cache-ttl", 120) * 1_000;
  return {
    tokens: [
      fromIssuers,
      ...tokenWebhook === undefined
        ? []
        : [new TokenWebhook({ target: tokenWebhook, clock, cacheMs, audiences, report })],
    ],
    authorizers: accessTarget === undefined ? [] : [accessWebhook({
      target: accessTarget,
      clock,
      allowedMs: numberOf(flags, "authorization-webhook-cache-authorized-ttl", 300) * 1_000,
      refusedMs: numberOf(flags, "authorization-webhook-cache-unauthorized-ttl", 30) * 1_000,
      report,
    })],
    allowsAnonymous: (path) => paths === undefined || paths.includes(path),
    stop: () => file.stop(),
  };
}

/** The authentication configuration, used anew when it has changed. */
class FollowedFile {
  #text: string | undefined;
  #wake: Wake | undefined;
  #isStopped = false;

  constructor(
    readonly flags: ApiServerFlags,
    readonly clock: Clock,
    readonly use: (rules: AuthenticationRules) => void,
    readonly report: (problem: string) => void,
  ) {}

  async follow(): Promise<void> {
    this.#text = await readNamed(this.flags, "authentication-config");
    if (this.#text !== undefined) this.#lookLater();
  }

  #lookLater(): void {
    this.#wake = this.clock.wakeAt(this.clock.now() + lookEveryMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    try {
      const text = await readNamed(this.flags, "authentication-config");
      if (text !== this.#text) {
        this.#text = text;
        this.use(await readRules(this.flags));
        this.report(
          `Authentication: ${textOf(this.flags, "authentication-config")} has changed, and is used from now on`,
        );
      }
    } catch (error) {
      this.report(`${(error as Error).message}; what was said before holds on`);
    }
    if (!this.#isStopped) this.#lookLater();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake?.cancel();
  }
}
