import { assertEquals, assertRejects } from "@std/assert";
import { requestUser } from "../../../http/auth/authentication.ts";
import { makeSigningKey } from "../../../http/auth/certificates/issue.ts";
import { RbacPolicy } from "../../../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../../../http/auth/rbac/rbac_authorizer.ts";
import { reviews } from "../../../http/auth/reviews.ts";
import { answerIssuerDiscovery } from "../../../http/auth/tokens/issuer_discovery.ts";
import { type BoundObjects, ServiceAccountTokens } from "../../../http/auth/tokens/service_account_tokens.ts";
import { tokenRequestHandler } from "../../../http/auth/tokens/token_request.ts";
import type { Credentials, UserInfo } from "../../../http/machinery/types.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { createLocalJWKSet, jwtVerify } from "jose";
import { recorded, scenario } from "../oracle.ts";
import { MemoryApi, stillClock } from "./memory_api.ts";
import { request, subresourceRequest, user } from "./requests.ts";

const key = await makeSigningKey();
const otherKey = await makeSigningKey();
const start = Date.parse("2026-11-22T20:00:00Z");
const root = user("root", "system:masters", "system:authenticated");

function world() {
  const api = new MemoryApi();
  api.put("serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "sa", namespace: "ns" } });
  api.put("nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
  api.put("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns" },
    spec: { serviceAccountName: "sa", nodeName: "n1" },
  });
  const clock = { ms: start };
  const now = () => clock.ms;
  const objects: BoundObjects = {
    find: (resource, namespace, name) =>
      Promise.resolve(api.objects.get(`${resource}|${namespace ?? ""}|${name}`)?.metadata),
  };
  let ids = 0;
  const make = (pem: string) => new ServiceAccountTokens({ key: pem, now, uuid: () => `id-${++ids}`, objects });
  const tokens = make(key);
  const policy = new RbacPolicy();
  const authorizer = anyOf(mastersAuthorizer, rbacAuthorizer(policy));
  const staticTokens = new Map<string, UserInfo>([["abc", user("static", "ops")]]);
  const who = requestUser({ tokens, staticTokens }, authorizer);
  const authenticate = (sent: Partial<Credentials> & { sent?: Record<string, string> }) => {
    const { sent: headers = {}, ...rest } = sent;
    return who.authenticate({
      authorization: undefined,
      clientCertificate: undefined,
      ...rest,
      headers: new Headers(headers),
    });
  };
  const tokenFor = async (spec: object, name = "sa") => {
    const attributes = request(root, `create serviceaccounts/token ${name} in ns`);
    const handle = tokenRequestHandler({ tokens, now });
    const answer = await handle(subresourceRequest(api, attributes, "TokenRequest", { spec }));
    return { answer, token: (answer["status"] as { token: string }).token };
  };
  const answers = reviews({ authorizer, policy, tokens, staticTokens, now });
  return { api, clock, tokens, make, authenticate, tokenFor, policy, answers };
}

const certificate = { commonName: "ann", organizations: ["ops"] };
const cases: {
  name: string;
  sent: Partial<Credentials> & { sent?: Record<string, string> };
  user?: unknown;
  code?: number;
  message?: string;
}[] = [
  { name: "nobody", sent: {}, user: user("system:anonymous", "system:unauthenticated") },
  { name: "an empty header", sent: { authorization: "" }, user: user("system:anonymous", "system:unauthenticated") },
  {
    name: "another scheme",
    sent: { authorization: "Basic x" },
    user: user("system:anonymous", "system:unauthenticated"),
  },
  { name: "a certificate", sent: { clientCertificate: certificate }, user: user("ann", "ops", "system:authenticated") },
  {
    name: "a certificate without a name",
    sent: { clientCertificate: { commonName: "", organizations: ["system:masters"] } },
    user: user("system:anonymous", "system:unauthenticated"),
  },
  { name: "a bad certificate", sent: { clientCertificateError: "expired" }, code: 401, message: "Unauthorized" },
  {
    name: "a static token",
    sent: { authorization: "Bearer abc" },
    user: user("static", "ops", "system:authenticated"),
  },
  {
    name: "a bad certificate and a good token",
    sent: { clientCertificateError: "expired", authorization: "Bearer abc" },
    user: user("static", "ops", "system:authenticated"),
  },
  { name: "a wrong token", sent: { authorization: "Bearer wrong" }, code: 401, message: "Unauthorized" },
  { name: "a token that is none", sent: { authorization: "Bearer a.b.c" }, code: 401, message: "Unauthorized" },
  {
    name: "an impersonated user",
    sent: {
      clientCertificate: { ...certificate, organizations: ["system:masters"] },
      sent: {
        "impersonate-user": "carl",
        "impersonate-group": "g1",
        "impersonate-extra-scopes": "a",
        "impersonate-uid": "7",
      },
    },
    user: { name: "carl", uid: "7", groups: ["g1", "system:authenticated"], extra: { scopes: ["a"] } },
  },
  {
    name: "an impersonated service account",
    sent: {
      clientCertificate: { ...certificate, organizations: ["system:masters"] },
      sent: { "impersonate-user": "system:serviceaccount:ns:sa" },
    },
    user: user(
      "system:serviceaccount:ns:sa",
      "system:serviceaccounts",
      "system:serviceaccounts:ns",
      "system:authenticated",
    ),
  },
  {
    name: "impersonation of a group alone",
    sent: { sent: { "impersonate-group": "g" } },
    code: 400,
    message:
      'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string(nil)} without impersonating a user name',
  },
  {
    name: "impersonation without the right",
    sent: { clientCertificate: certificate, sent: { "impersonate-user": "root" } },
    code: 403,
    message:
      'users "root" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster scope',
  },
];
for (const { name, sent, user: expected, code, message } of cases) {
  Deno.test(`authentication of ${name} gives ${code ?? "a user"}`, async () => {
    const { authenticate } = world();
    if (code === undefined) return assertEquals<unknown>(await authenticate(sent), expected);
    const error = await assertRejects(() => authenticate(sent), ApiError);
    assertEquals([error.code, error.message], [code, message]);
  });
}

Deno.test("a requested token speaks for its service account and pod, and verifies against the published keys", async () => {
  const { tokenFor, authenticate, tokens } = world();
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p", uid: "uid-p" };
  const { token, answer } = await tokenFor({ expirationSeconds: 600, boundObjectRef });
  assertEquals(await authenticate({ authorization: `Bearer ${token}` }), {
    name: "system:serviceaccount:ns:sa",
    uid: "uid-sa",
    groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
    extra: {
      "authentication.kubernetes.io/credential-id": ["JTI=id-1"],
      "authentication.kubernetes.io/node-name": ["n1"],
      "authentication.kubernetes.io/node-uid": ["uid-n1"],
      "authentication.kubernetes.io/pod-name": ["p"],
      "authentication.kubernetes.io/pod-uid": ["uid-p"],
    },
  } as UserInfo);
  assertEquals(answer["spec"], {
    audiences: ["https://kubernetes.default.svc.cluster.local"],
    expirationSeconds: 600,
    boundObjectRef,
  });
  const keys = await (await answerIssuerDiscovery("/openid/v1/jwks", tokens, "https://h"))!.json();
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), {
    currentDate: new Date(start),
  });
  assertEquals([protectedHeader.alg, payload], ["ES256", {
    aud: ["https://kubernetes.default.svc.cluster.local"],
    exp: start / 1000 + 600,
    iat: start / 1000,
    iss: "https://kubernetes.default.svc.cluster.local",
    jti: "id-1",
    "kubernetes.io": {
      namespace: "ns",
      serviceaccount: { name: "sa", uid: "uid-sa" },
      pod: { name: "p", uid: "uid-p" },
      node: { name: "n1", uid: "uid-n1" },
    },
    nbf: start / 1000,
    sub: "system:serviceaccount:ns:sa",
  }]);
});

Deno.test("the token that the injected volume asks for lives on for a year", async () => {
  const { tokenFor, authenticate, clock } = world();
  const { token, answer } = await tokenFor({
    expirationSeconds: 3607,
    boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p" },
  });
  assertEquals((answer["status"] as { expirationTimestamp: string }).expirationTimestamp, "2026-11-22T21:00:07Z");
  clock.ms += 300 * 86_400_000;
  await authenticate({ authorization: `Bearer ${token}` });
  clock.ms += 66 * 86_400_000;
  await assertRejects(() => authenticate({ authorization: `Bearer ${token}` }), ApiError, "Unauthorized");
});

const ends: Record<string, (w: ReturnType<typeof world>) => void | Promise<unknown>> = {
  "it has expired": ({ clock }) => void (clock.ms += 601_000),
  "its service account is gone": ({ api }) =>
    api.delete({ group: "", version: "v1", resource: "serviceaccounts" }, "ns", "sa"),
  "its service account was made anew": ({ api }) =>
    void api.put("serviceaccounts", { metadata: { name: "sa", namespace: "ns", uid: "new" } }),
  "its pod is gone": ({ api }) => api.delete({ group: "", version: "v1", resource: "pods" }, "ns", "p"),
  "its pod was deleted more than a minute ago": ({ api, clock }) => {
    api.put("pods", { metadata: { name: "p", namespace: "ns", deletionTimestamp: new Date(start).toISOString() } });
    clock.ms += 61_000;
  },
};
for (const [name, change] of Object.entries(ends)) {
  Deno.test(`a token is refused once ${name}`, async () => {
    const w = world();
    const { token } = await w.tokenFor({ expirationSeconds: 600, boundObjectRef: { kind: "Pod", name: "p" } });
    await w.authenticate({ authorization: `Bearer ${token}` });
    await change(w);
    await assertRejects(() => w.authenticate({ authorization: `Bearer ${token}` }), ApiError, "Unauthorized");
  });
}

Deno.test("a token of another key, another audience or a changed payload is refused", async () => {
  const w = world();
  const bound = { namespace: "ns", serviceaccount: { name: "sa", uid: "uid-sa" } };
  const expires = start / 1000 + 600;
  const forged = await w.make(otherKey).sign(bound, w.tokens.audiences, expires, start / 1000);
  const foreign = await w.tokens.sign(bound, ["vault"], expires, start / 1000);
  const good = await w.tokens.sign(bound, w.tokens.audiences, expires, start / 1000);
  const [head, payload, signature] = good.split(".");
  const changed = `${head}.${payload!.slice(0, -2)}${payload!.at(-2) === "A" ? "B" : "A"}${
    payload!.at(-1)
  }.${signature}`;
  const unsigned = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;
  for (const token of [forged, foreign, changed, unsigned]) {
    await assertRejects(() => w.authenticate({ authorization: `Bearer ${token}` }), ApiError, "Unauthorized");
  }
  await w.authenticate({ authorization: `Bearer ${good}` });
});

const refusals: { name: string; spec: object; account?: string; code: number; message: string }[] = [
  {
    name: "a life of five seconds",
    spec: { audiences: ["a"], expirationSeconds: 5 },
    code: 422,
    message:
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
  },
  { name: "an unknown account", spec: {}, account: "nope", code: 404, message: 'serviceaccounts "nope" not found' },
  {
    name: "a pod of another account",
    spec: { boundObjectRef: { kind: "Pod", name: "other" } },
    code: 400,
    message: 'cannot bind token for serviceaccount "sa" to pod running with different serviceaccount name.',
  },
];
for (const { name, spec, account, code, message } of refusals) {
  Deno.test(`a token request for ${name} is refused with ${code}`, async () => {
    const { api, tokenFor } = world();
    api.put("pods", { metadata: { name: "other", namespace: "ns" }, spec: { serviceAccountName: "default" } });
    const error = await assertRejects(() => tokenFor(spec, account), ApiError);
    assertEquals([error.code, error.message], [code, message]);
    const step = scenario("subresources")?.steps.find(({ response }) => response?.message === message);
    if (step !== undefined) assertEquals(error.status, step.response);
  });
}

interface RecordedKind {
  readonly manifest: Record<string, unknown>;
  readonly create: { response: { body: Record<string, unknown> } };
}

const reviewFiles: { plural: keyof ReturnType<typeof reviews>; file: string }[] = [
  { plural: "selfsubjectaccessreviews", file: "63_authorization.k8s.io_v1_SelfSubjectAccessReview" },
  { plural: "subjectaccessreviews", file: "64_authorization.k8s.io_v1_SubjectAccessReview" },
  { plural: "tokenreviews", file: "66_authentication.k8s.io_v1_TokenReview" },
];
for (const { plural, file } of reviewFiles) {
  Deno.test(`${plural} answer as the recorded server`, async () => {
    const recording = recorded<RecordedKind>(`kinds/${file}.json`);
    if (recording === undefined) return;
    const { api, answers } = world();
    const { manifest } = recording;
    const group = String(manifest["apiVersion"]).split("/")[0];
    const attributes = request(root, `create ${group}:${plural}`);
    const asked = subresourceRequest(api, attributes, String(manifest["kind"]), { metadata: {}, ...manifest });
    const { metadata: _, ...ours } = await answers[plural](asked);
    const { metadata: __, ...theirs } = recording.create.response.body;
    assertEquals(ours, theirs as typeof ours);
  });
}

Deno.test("a token review tells who, and the rules review what", async () => {
  const { api, answers, tokenFor, policy } = world();
  const { token } = await tokenFor({ expirationSeconds: 600 });
  const review = (spec: object) =>
    answers.tokenreviews(
      subresourceRequest(api, request(root, "create authentication.k8s.io:tokenreviews"), "TokenReview", { spec }),
    );
  assertEquals((await review({ token }))["status"], {
    authenticated: true,
    user: {
      username: "system:serviceaccount:ns:sa",
      uid: "uid-sa",
      groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["JTI=id-1"] },
    },
    audiences: ["https://kubernetes.default.svc.cluster.local"],
  });
  assertEquals((await review({ token, audiences: ["vault"] }))["status"], {
    user: {},
    error:
      '[invalid bearer token, token audiences ["https://kubernetes.default.svc.cluster.local"] is invalid for the target audiences ["vault"]]',
  });
  const carl = user("carl");
  const rule = { verbs: ["*"], apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"] };
  api.put("roles", { metadata: { name: "r", namespace: "ns" }, rules: [rule] });
  api.put("rolebindings", {
    metadata: { name: "r", namespace: "ns" },
    roleRef: { kind: "Role", name: "r" },
    subjects: [{ kind: "User", name: "carl" }],
  });
  await policy.follow(api, stillClock).ready;
  const asked = request(carl, "create authorization.k8s.io:selfsubjectrulesreviews");
  const rules = await answers.selfsubjectrulesreviews(
    subresourceRequest(api, asked, "SelfSubjectRulesReview", { spec: { namespace: "ns" } }),
  );
  assertEquals([rules["spec"], rules["status"]], [{}, {
    resourceRules: [rule],
    nonResourceRules: [],
    incomplete: false,
  }]);
});
