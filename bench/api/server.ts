/**
 * The API server alone in a process of its own, as `chartroom master` wires it but without scheduler and controllers:
 * real store and disk, RBAC, node authorization, admission, TLS with client certificates. It prints where it listens and
 * the credentials of an RBAC user as one line of JSON, and stops when its standard input ends.
 */
import { realDisk } from "../../actors/disk/real_disk.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { openStorage } from "../../actors/store/open_storage.ts";
import { admission } from "../../http/admission/plugins.ts";
import { createApp } from "../../http/app.ts";
import { authenticator } from "../../http/auth/authentication.ts";
import { reconcileBootstrapPolicy } from "../../http/auth/bootstrap.ts";
import { issue, makeAuthority, makeSigningKey } from "../../http/auth/certificates/issue.ts";
import { impersonate } from "../../http/auth/impersonation.ts";
import { nodeAuthorizer, podsOfNode } from "../../http/auth/node_authorizer.ts";
import { RbacPolicy } from "../../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../../http/auth/rbac/rbac_authorizer.ts";
import { ServiceAccountTokens } from "../../http/auth/tokens/service_account_tokens.ts";
import { createApi } from "../../http/machinery/api.ts";
import type { Authorizer } from "../../http/machinery/types.ts";
import { createResources } from "../../http/resources/built_in.ts";
import { loadSchema } from "../../http/schema/schema.ts";
import { serve } from "../../http/server.ts";
import type { ResourceRef } from "../../ports/api_client.ts";

/** What the bench is told. */
export interface Started {
  readonly port: number;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

if (import.meta.main) {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-bench-" });
  const now = Date.now();
  const authority = await makeAuthority("bench-ca", now);
  const [serving, user] = await Promise.all([
    issue(authority, { commonName: "server", usages: ["server"], ipAddresses: ["127.0.0.1"] }, now),
    issue(authority, { commonName: "bench", organizations: ["benches"], usages: ["client"] }, now),
  ]);
  const storage = await openStorage({ disk: realDisk(directory), clock: realClock, random: realRandom });
  const policy = new RbacPolicy();
  const tokens = new ServiceAccountTokens({
    key: await makeSigningKey(),
    now: () => realClock.wallTime(),
    uuid: () => realRandom.uuid(),
    objects: { find: () => Promise.resolve(undefined) },
  });
  let authorizer: Authorizer = mastersAuthorizer;
  let follow = () => Promise.resolve();
  const schema = loadSchema();
  const api = createApi({
    storage,
    clock: realClock,
    random: realRandom,
    schema,
    resources: createResources(),
    authorizer: (own) =>
      authorizer = anyOf(mastersAuthorizer, nodeAuthorizer(policy, podsOfNode(own)), rbacAuthorizer(policy)),
    admission: (own, registry) => {
      const plugins = admission({
        client: own,
        registry,
        schema,
        clock: realClock,
        random: realRandom,
        authorizer,
        policy,
        serviceCidr: "10.0.0.0/16",
      });
      follow = async () => {
        await Promise.all([plugins.follow().ready, policy.follow(own, realClock).ready]);
      };
      return [...plugins.early, ...plugins.late];
    },
  });
  await api.start();
  await follow();
  const client = api.client({ name: "system:apiserver", groups: ["system:masters"] });
  const make = (resource: ResourceRef, namespace: string | undefined, object: Record<string, unknown>) =>
    client.create(resource, namespace, object as never);
  const core = (resource: string): ResourceRef => ({ group: "", version: "v1", resource });
  const bindings: ResourceRef = { group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterrolebindings" };
  for (const name of ["default", "kube-system", "kube-public", "bench", "many", "fan"]) {
    await make(core("namespaces"), undefined, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    const metadata = { name: "default" };
    await make(core("serviceaccounts"), name, { apiVersion: "v1", kind: "ServiceAccount", metadata });
  }
  await reconcileBootstrapPolicy(client);
  await make(bindings, undefined, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "bench" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "benches" }],
  });
  const app = createApp({
    api,
    authenticator: authenticator({ tokens }),
    serverAddress: "127.0.0.1",
    impersonate: (who, headers) => impersonate(who, headers, authorizer),
    health: { livez: [], readyz: [] },
  });
  const server = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    clientCertificateAuthority: authority.certificate,
    onError: (error) => console.error(error),
    fetch: (request, environment) => app.fetch(request, environment),
  });
  const started: Started = {
    port: server.addresses[0]!.port,
    authority: authority.certificate,
    certificate: user.certificate,
    key: user.key,
  };
  console.log(JSON.stringify(started));
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await server.close(0);
  api.close();
  await storage.close();
  await Deno.remove(directory, { recursive: true });
  Deno.exit(0);
}
