/** The whole API over a store in memory, with real rights, tokens and plugins. Bearer token "root" may do everything. */
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import type { Auditor } from "../../../http/audit/auditor.ts";
import { type Admission, admission } from "../../../http/admission/plugins.ts";
import { checkExpression } from "../../../http/admission/policies/expression_check.ts";
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
import type { Clock } from "../../../ports/clock.ts";
import { resources } from "../../../ports/api_client.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { MemoryStorage } from "../machinery/memory_storage.ts";

const key = await makeSigningKey();
const schema = loadSchema();
const root: UserInfo = { name: "admin", uid: "admin", groups: ["system:masters"] };

export async function world(namespace: string, auditorOf?: (clock: Clock) => Auditor) {
  const clock = new ManualClock();
  const auditor = auditorOf?.(clock);
  const random = new SimulatedRandom(1);
  const policy = new RbacPolicy();
  const authorizer = anyOf(mastersAuthorizer, rbacAuthorizer(policy));
  const now = () => clock.wallTime();
  const staticTokens = new Map([["root", root]]);
  const tokens = new ServiceAccountTokens({
    key,
    now,
    uuid: () => random.uuid(),
    objects: {
      async find(resource, home, name) {
        try {
          return (await api.client(serverUser).get({ group: "", version: "v1", resource }, home, name)).metadata;
        } catch (error) {
          if (error instanceof ApiError && error.code === 404) return undefined;
          throw error;
        }
      },
    },
  });
  const made: Admission[] = [];
  const api = createApi({
    storage: new MemoryStorage(),
    clock,
    random,
    resources: createResources({
      cel: checkExpression,
      reviews: reviews({ authorizer, policy, tokens, staticTokens, now }),
      token: tokenRequestHandler({ tokens, now }),
    }),
    schema,
    auditor,
    authorizer,
    admission: (client, registry) => {
      const plugins = admission({
        client,
        registry,
        schema,
        clock,
        random,
        authorizer,
        policy,
        serviceCidr: "10.0.0.0/16",
      });
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
    client,
    tokens,
    stop() {
      copies.forEach((copy) => copy.stop());
      api.close();
    },
  };
}
