/** The recorded scenarios of who gets in and what is let in, against the whole API with its real rights and plugins. */
import { assertEquals } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import { type Admission, admission } from "../../../http/admission/plugins.ts";
import { createApp } from "../../../http/app.ts";
import { authenticator } from "../../../http/auth/authentication.ts";
import { reconcileBootstrapPolicy } from "../../../http/auth/bootstrap.ts";
import { makeSigningKey } from "../../../http/auth/certificates/issue.ts";
import { impersonate } from "../../../http/auth/impersonation.ts";
import { RbacPolicy } from "../../../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../../../http/auth/rbac/rbac_authorizer.ts";
import { reviews } from "../../../http/auth/reviews.ts";
import { ServiceAccountTokens } from "../../../http/auth/tokens/service_account_tokens.ts";
import { tokenRequestHandler } from "../../../http/auth/tokens/token_request.ts";
import { createApi, serverUser } from "../../../http/machinery/api.ts";
import type { UserInfo } from "../../../http/machinery/types.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { resources } from "../../../ports/api_client.ts";
import { MemoryStorage } from "../machinery/memory_storage.ts";
import { normalised } from "../machinery/normalise.ts";
import { recorded } from "../oracle.ts";

interface Step {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly response: unknown;
  readonly warning?: string;
}

/** Steps that are answered differently, each with its reason. */
const clusterIPs = "the row of services fills in clusterIPs before fields get their owners";
const deviations: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "services: addresses and ports": { 0: clusterIPs, 8: clusterIPs },
  "authentication and authorization": {
    13: "reviews are not given managed fields here: nobody stores them",
    14: "the order of rules follows the order of bindings, which is the server's own",
  },
  "pod admission: priority, runtime class, security, service account": {
    8: "the recorded server was started without --allow-privileged",
  },
};

const key = await makeSigningKey();
const schema = loadSchema();
const root: UserInfo = { name: "admin", uid: "admin", groups: ["system:masters"] };

async function world(namespace: string) {
  const clock = new ManualClock();
  const random = new SimulatedRandom(1);
  const policy = new RbacPolicy();
  const authorizer = anyOf(mastersAuthorizer, rbacAuthorizer(policy));
  const now = () => clock.wallTime();
  const staticTokens = new Map([["root", root]]);
  const tokens = new ServiceAccountTokens({
    key,
    now,
    uuid: () => random.uuid(),
    objects: { find: () => Promise.resolve(undefined) },
  });
  const made: Admission[] = [];
  const api = createApi({
    storage: new MemoryStorage(),
    clock,
    random,
    resources: createResources({
      reviews: reviews({ authorizer, policy, tokens, staticTokens, now }),
      token: tokenRequestHandler({ tokens, now }),
    }),
    schema,
    authorizer,
    admission: (client) => {
      const plugins = admission({ client, clock, random, authorizer, policy, serviceCidr: "10.0.0.0/16" });
      made.push(plugins);
      return [...plugins.early, ...plugins.late];
    },
  });
  await api.start();
  const client = api.client(serverUser);
  for (const name of ["default", "kube-system", "kube-public", namespace]) {
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await client.create(resources.namespaces, undefined, object, { fieldManager: "Deno" });
  }
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
  await client.create(resources.serviceAccounts, namespace, account);
  await reconcileBootstrapPolicy(client);
  const copies = [policy.follow(client, clock), ...made.map((plugins) => plugins.follow())];
  await Promise.all(copies.map(({ ready }) => ready));
  const ok = { name: "ping", check: () => undefined };
  const app = createApp({
    api,
    authenticator: authenticator({ tokens, staticTokens }),
    impersonate: (user, headers) => impersonate(user, headers, authorizer),
    serverAddress: "192.0.2.2:16443",
    health: { livez: [ok], readyz: [ok] },
  });
  return {
    clock,
    app,
    stop() {
      copies.forEach((copy) => copy.stop());
      api.close();
    },
  };
}

const names = [
  "services: addresses and ports",
  "authentication and authorization",
  "pod admission: priority, runtime class, security, service account",
];
const scenarios = recorded<{ name: string; namespace: string; steps: Step[] }[]>("scenarios.json") ?? [];

for (const { name, namespace, steps } of scenarios.filter((one) => names.includes(one.name))) {
  Deno.test(`who and what is let in is as recorded: ${name}`, async (t) => {
    const { app, stop, clock } = await world(namespace);
    for (const [index, step] of steps.entries()) {
      const path = step.path.replaceAll("$NS", namespace);
      const pending = Promise.resolve(app.request(path, {
        method: step.method,
        headers: {
          "user-agent": "Deno/2.9.3",
          "content-type": "application/json",
          authorization: "Bearer root",
          ...step.headers,
        },
        ...(step.body === undefined ? {} : { body: JSON.stringify(step.body).replaceAll("$NS", namespace) }),
      }));
      const response = await settled(pending, clock);
      const text = await response.text();
      const type = response.headers.get("content-type") ?? "";
      const answer = type.includes("json") ? JSON.parse(text) : text;
      // The copies that admission reads are a moment behind the store.
      for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
      if (deviations[name]?.[index] !== undefined) continue;
      await t.step(`${index} ${step.method} ${step.path}`, () => {
        const found = { code: response.status, answer: comparable(answer, namespace) };
        assertEquals(found, { code: step.code, answer: comparable(step.response, namespace) });
      });
    }
    stop();
  });
}

/** Time passes only when nothing else goes on. */
async function settled(pending: Promise<Response>, clock: ManualClock): Promise<Response> {
  let done = false;
  const finish = () => void (done = true);
  pending.then(finish, finish);
  for (let turn = 0; !done; turn++) {
    if (turn > 0 && turn % 50 === 0) clock.advance(1_000);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return await pending;
}

/** Without what the server drew: addresses, ports, names of volumes. */
function comparable(value: unknown, namespace: string): unknown {
  const text = JSON.stringify(normalised(value, namespace));
  return JSON.parse(
    text.replace(/10\.0\.(?!77\.)\d+\.\d+/g, "<address>").replace(/"nodePort":(?!30777)\d+/g, '"nodePort":0'),
  );
}
