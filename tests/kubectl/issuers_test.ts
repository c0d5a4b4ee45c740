/** Users whom the cluster does not know itself: an issuer's, a webhook's, and rights that a webhook gives; with kubectl. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { authority, serving } from "../http/server/keys.ts";
import { startApiCluster } from "../support/api_cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

/** Knows one token, and lets its user read pods. */
function webhooks() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { kind, spec } = await request.json();
    asked.push(kind);
    if (kind === "TokenReview") {
      const user = { username: "hook-jane", groups: ["hook"], extra: { "example.org/from": ["hook"] } };
      return Response.json({ status: spec.token === "opaque-token" ? { authenticated: true, user } : {} });
    }
    const { resource, verb } = spec.resourceAttributes ?? {};
    const allowed = spec.user === "hook-jane" && resource === "pods" && verb === "list";
    return Response.json({ status: { allowed, reason: allowed ? "the hook says so" : "the hook knows better" } });
  });
  const config = {
    clusters: [{ name: "w", cluster: { server: `http://127.0.0.1:${server.addr.port}/` } }],
    contexts: [{ name: "c", context: { cluster: "w", user: "" } }],
    "current-context": "c",
  };
  return { asked, config: JSON.stringify(config), close: () => server.shutdown() };
}

async function issuer() {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const keys = [{ kid: "1", alg: "RS256", ...await exportJWK(publicKey) }];
  let url = "";
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: serving.certificate, key: serving.key, onListen: () => {} },
    ({ url: asked }) => Response.json(asked.endsWith("/keys") ? { keys } : { issuer: url, jwks_uri: `${url}/keys` }),
  );
  url = `https://127.0.0.1:${server.addr.port}/tenant`;
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT({ aud: "chartroom", ...claims }).setProtectedHeader({ alg: "RS256", kid: "1" }).setIssuer(url)
      .setIssuedAt().setExpirationTime("10m").sign(privateKey);
  return { url, sign, close: () => server.shutdown() };
}

Deno.test({
  name:
    "users of an issuer and of a webhook are known to the cluster, with the rights of their groups and of a webhook",
  ignore: clientsMissing("kubectl"),
  async fn() {
    const [corp, hooks] = [await issuer(), webhooks()];
    const configuration = (level: number) => ({
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "AuthenticationConfiguration",
      jwt: [{
        issuer: { url: corp.url, certificateAuthority: authority.certificate, audiences: ["chartroom"] },
        claimMappings: {
          username: { expression: '"corp:" + claims.email' },
          groups: { claim: "roles", prefix: "corp:" },
        },
        claimValidationRules: [{ expression: `claims.level >= ${level}`, message: "level is too low" }],
      }],
      anonymous: { enabled: true, conditions: [{ path: "/livez" }] },
    });
    const changes: string[] = [];
    let path = "";
    const cluster = await startApiCluster(async (directory) => {
      path = `${directory}/authentication.json`;
      await Deno.writeTextFile(path, JSON.stringify(configuration(1)));
      await Deno.writeTextFile(`${directory}/hook.json`, hooks.config);
      return {
        authenticationConfig: path,
        authenticationTokenWebhookConfigFile: `${directory}/hook.json`,
        authorizationWebhookConfigFile: `${directory}/hook.json`,
      };
    }, (problem) => problem.includes("has changed") && changes.push(problem) > 0);
    try {
      const { kubectl, kubeconfig, directory } = cluster;
      // The administrator's certificate would come before any token.
      const bare = JSON.parse(await kubectl.ok("config view --raw -o json"));
      await Deno.writeTextFile(
        `${directory}/bare.json`,
        JSON.stringify({ ...bare, users: [], contexts: bare.contexts }),
      );
      const as = (token: string) => kubectl.with("--kubeconfig", `${directory}/bare.json`, "--user=", "--token", token);
      const jane = as(await corp.sign({ email: "jane@corp.example", roles: ["dev"], level: 2 }));
      assertEquals(await jane.ok("auth whoami -o jsonpath={.status.userInfo.username}"), "corp:jane@corp.example");
      const refused = await jane.run(["get", "configmaps"]);
      assertStringIncludes(refused.error, 'User "corp:jane@corp.example" cannot list resource "configmaps"');
      assertStringIncludes(refused.error, "the hook knows better");
      await kubectl.ok("create rolebinding dev --clusterrole=view --group=corp:dev");
      await eventually("the group's rights are hers", () => jane.ok("get configmaps"));

      const hooked = as("opaque-token");
      assertEquals(await hooked.ok("auth whoami -o jsonpath={.status.userInfo.username}"), "hook-jane");
      await hooked.ok("get pods");
      assertEquals((await hooked.run(["get", "secrets"])).code, 1);
      const before = hooks.asked.length;
      await hooked.ok("get pods");
      assertEquals(hooks.asked.length, before, "what is known is not asked again");
      assertMatch((await as("unknown-token").run(["get", "pods"])).error, /must be logged in|Unauthorized/);

      const review = (token: string) => ({
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token },
      });
      const reviewed = await kubectl.ok(["create", "-f", "-", "-o", "jsonpath={.status.user.username}"], {
        input: JSON.stringify(review("opaque-token")),
      });
      assertEquals(reviewed, "hook-jane");

      const server = bare.clusters[0].cluster.server;
      const client = Deno.createHttpClient({ caCerts: [await rootOf(kubeconfig)] });
      const open = async (at: string) => {
        const response = await fetch(`${server}${at}`, { client });
        await response.body?.cancel();
        return response.status;
      };
      assertEquals([await open("/livez"), await open("/version")], [200, 401]);
      client.close();

      await Deno.writeTextFile(path, JSON.stringify(configuration(3)));
      await eventually("the change is seen", () => assertEquals(changes.length, 1));
      assertEquals((await jane.run(["auth", "whoami"])).code, 1);
    } finally {
      await cluster[Symbol.asyncDispose]();
      await corp.close();
      await hooks.close();
    }
  },
});

async function rootOf(kubeconfig: string): Promise<string> {
  const text = await Deno.readTextFile(kubeconfig);
  return atob(/certificate-authority-data: *(\S+)/.exec(text)![1]!);
}
