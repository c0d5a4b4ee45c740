/** Tokens of other issuers: which are believed, and whom they make of their claims. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ClaimExpressions } from "../../../http/auth/oidc/claim_expressions.ts";
import { JwtAuthenticator } from "../../../http/auth/oidc/jwt_authenticator.ts";
import { TokenRefused } from "../../../http/auth/tokens/service_account_tokens.ts";
import { oidcIssuer, parseAuthentication } from "../../../machines/authentication/jwt_configuration.ts";

const url = "https://issuer.example";
const issuer = (rest: object = {}) => ({
  issuer: { url, audiences: ["chartroom"] },
  claimMappings: { username: { claim: "sub", prefix: "corp:" }, groups: { claim: "groups", prefix: "corp:" } },
  ...rest,
});
const parsed = (given: object) =>
  parseAuthentication({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", jwt: [given] })
    .issuers[0]!;

const keys = await Promise.all(["a", "b"].map(async (kid) => ({ kid, ...await generateKeyPair("ES256") })));

function world(given: object = issuer()) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const problems: string[] = [];
  let published = [keys[0]!];
  let isAway = false;
  const authenticator = new JwtAuthenticator(parsed(given), {
    clock,
    async get(from) {
      asked.push(from);
      if (isAway) throw new Error("connection refused");
      if (!from.endsWith("/keys")) return { issuer: url, jwks_uri: `${url}/keys` };
      return {
        keys: await Promise.all(published.map(async ({ kid, publicKey }) => ({ kid, ...await exportJWK(publicKey) }))),
      };
    },
    report: (problem) => void problems.push(problem),
  });
  const now = () => Math.floor(clock.wallTime() / 1_000);
  const token = (claims: Record<string, unknown> = {}, key = keys[0]!) =>
    new SignJWT({ iss: url, aud: "chartroom", sub: "jane", iat: now(), exp: now() + 600, ...claims })
      .setProtectedHeader({ alg: "ES256", kid: key.kid }).sign(key.privateKey);
  return {
    ...{ clock, asked, problems, authenticator, token, now },
    publish: (...all: typeof keys) => void (published = all),
    goAway: (gone: boolean) => void (isAway = gone),
  };
}

Deno.test("JwtAuthenticator believes a token of its issuer, asks for the keys once, and leaves other tokens alone", async () => {
  const { authenticator, token, asked } = world();
  const user = { name: "corp:jane", groups: ["corp:dev", "system:authenticated"] };
  for (let time = 0; time < 3; time++) {
    assertEquals(await authenticator.authenticate(await token({ groups: ["dev"] })), user);
  }
  assertEquals(asked, [`${url}/.well-known/openid-configuration`, `${url}/keys`]);
  assertEquals(await authenticator.authenticate(await token({ iss: "https://other.example" })), undefined);
  assertEquals(await authenticator.authenticate("opaque"), undefined);
});

const bad: [name: string, claims: (now: number) => Record<string, unknown>, why: string][] = [
  ["has expired", (now) => ({ exp: now - 1 }), '"exp" claim'],
  ["never expires", () => ({ exp: undefined }), '"exp" claim'],
  ["is for others", () => ({ aud: ["else"] }), '"aud" claim'],
  ["is not valid yet", (now) => ({ nbf: now + 60 }), '"nbf" claim'],
  ["comes from the future", (now) => ({ iat: now + 60 }), "issued in the future"],
  ["names nobody", () => ({ sub: undefined }), "the claim for the username is not there"],
  ["has groups that are none", () => ({ groups: [1] }), "neither text nor a list of texts"],
];
for (const [name, claims, why] of bad) {
  Deno.test(`JwtAuthenticator refuses a token that ${name}`, async () => {
    const { authenticator, token, now } = world();
    const made = await token(claims(now()));
    await assertRejects(() => authenticator.authenticate(made), TokenRefused, why);
  });
}

Deno.test("JwtAuthenticator refuses what was signed by others, changed, or not signed at all", async () => {
  const { authenticator, token } = world();
  const good = await token();
  const [head, , signature] = good.split(".");
  const other = { ...keys[1]!, kid: "a" };
  const changed = btoa(JSON.stringify({ iss: url, aud: "chartroom", sub: "root", exp: 9e9 })).replace(/=+$/, "");
  const none = `${btoa('{"alg":"none"}').replace(/=+$/, "")}.${changed}.`;
  for (const token of [`${head}.${changed}.${signature}`, none]) {
    await assertRejects(() => authenticator.authenticate(token), TokenRefused);
  }
  await assertRejects(async () => await authenticator.authenticate(await token({}, other)), TokenRefused, "signature");
});

Deno.test("JwtAuthenticator asks anew for a key it does not know, and not for each token of a flood", async () => {
  const { authenticator, token, clock, asked, publish } = world();
  await authenticator.authenticate(await token());
  publish(keys[0]!, keys[1]!);
  await assertRejects(async () => await authenticator.authenticate(await token({}, keys[1]!)), TokenRefused);
  assertEquals(asked.length, 2);
  clock.advance(10_000);
  assert(await authenticator.authenticate(await token({}, keys[1]!)) !== undefined);
  for (let time = 0; time < 5; time++) {
    await assertRejects(async () => await authenticator.authenticate(await token({}, { ...keys[1]!, kid: "c" })));
  }
  assertEquals(asked.length, 4);
  // A key that was taken back is believed for an hour at most.
  publish(keys[1]!);
  clock.advance(3_600_001);
  await assertRejects(async () => await authenticator.authenticate(await token({}, keys[0]!)), TokenRefused);
});

Deno.test("JwtAuthenticator goes on with the keys it has while its issuer is away, and says so", async () => {
  const { authenticator, token, clock, problems, goAway } = world();
  goAway(true);
  await assertRejects(async () => await authenticator.authenticate(await token()), TokenRefused, "connection refused");
  assertEquals(problems, [`Issuer ${url}: connection refused`]);
  goAway(false);
  clock.advance(10_000);
  assert(await authenticator.authenticate(await token()) !== undefined);
  goAway(true);
  clock.advance(3_600_001);
  assert(await authenticator.authenticate(await token()) !== undefined);
});

Deno.test("ClaimExpressions maps and judges claims with CEL", () => {
  const expressions = new ClaimExpressions(parsed(issuer({
    claimMappings: {
      username: { expression: 'claims.username + ":external-user"' },
      groups: { expression: 'claims.roles.split(",")' },
      uid: { claim: "sub" },
      extra: [{ key: "example.org/tenant", valueExpression: "claims.tenant" }],
    },
    claimValidationRules: [
      { claim: "hd", requiredValue: "example.org" },
      { expression: "claims.level > 2", message: "level is too low" },
    ],
    userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: "username is reserved" }],
  })));
  const claims = { username: "jane", roles: "user,admin", sub: "u1", tenant: "t", hd: "example.org", level: 3 };
  assertEquals(expressions.userOf(claims), {
    name: "jane:external-user",
    uid: "u1",
    groups: ["user", "admin"],
    extra: { "example.org/tenant": ["t"] },
  });
  for (
    const [change, why] of [
      [{ hd: "other" }, "required claim hd"],
      [{ level: 1 }, "level is too low"],
      [{ username: "system:root" }, "username is reserved"],
      [{ roles: undefined }, "could not be evaluated"],
    ] as const
  ) assertThrows(() => expressions.userOf({ ...claims, ...change }), TokenRefused, why);
  assertThrows(
    () => new ClaimExpressions(parsed(issuer({ userValidationRules: [{ expression: "nobody.x" }] }))),
    Error,
    "Cannot compile",
  );
});

Deno.test("ClaimExpressions does not take an email address that nobody has verified", () => {
  const { userOf } = {
    userOf: (claims: object) => {
      const options = { issuerUrl: url, clientId: "c", usernameClaim: "email", groupsClaim: "g" };
      return new ClaimExpressions(oidcIssuer(options)).userOf(claims as Record<string, unknown>);
    },
  };
  assertEquals(userOf({ email: "a@b.c", email_verified: true, g: "one" }), { name: "a@b.c", groups: ["one"] });
  assertThrows(() => userOf({ email: "a@b.c", email_verified: false }), TokenRefused, "email not verified");
});

const wrong: [name: string, given: object, why: string][] = [
  ["an issuer without TLS", issuer({ issuer: { url: "http://x", audiences: ["a"] } }), "must be an https URL"],
  ["no audience", issuer({ issuer: { url, audiences: [] } }), "there must be at least one"],
  ["several audiences without saying any will do", issuer({ issuer: { url, audiences: ["a", "b"] } }), '"MatchAny"'],
  ["a claim without a prefix", issuer({ claimMappings: { username: { claim: "sub" } } }), "prefix: it is needed"],
  ["no username", issuer({ claimMappings: {} }), "a claim or an expression is needed"],
  ["a member that is none", issuer({ claimMapping: {} }), "claimMapping: there is no such member"],
  [
    "extra below Kubernetes' domain",
    issuer({
      claimMappings: {
        username: { expression: "claims.sub" },
        extra: [{ key: "x.k8s.io/a", valueExpression: "claims.a" }],
      },
    }),
    "Kubernetes' own",
  ],
];
for (const [name, given, why] of wrong) {
  Deno.test(`parseAuthentication refuses ${name}`, () => {
    assertThrows(() => parsed(given), Error, why);
  });
}

Deno.test("oidcIssuer puts the issuer before names that could be anybody's, unless told otherwise", () => {
  const names = [{}, { usernameClaim: "email" }, { usernamePrefix: "-" }, { usernamePrefix: "x:" }].map((given) =>
    oidcIssuer({ issuerUrl: url, clientId: "c", ...given }).username
  );
  assertEquals(names as unknown[], [
    { claim: "sub", prefix: `${url}#` },
    { claim: "email", prefix: "" },
    { claim: "sub", prefix: "" },
    { claim: "sub", prefix: "x:" },
  ]);
});
