/** Stock kubectl and the rights of users: certificates, tokens, impersonation, reviews. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { kubeconfig } from "../../http/auth/certificates/kubeconfig.ts";
import { serve } from "../../http/server.ts";
import { world } from "../http/admission/world.ts";
import { admin, authority, serving } from "../http/server/keys.ts";
import { clientTool } from "../../tools/client_tools.ts";
import { clientsMissing } from "../support/kubectl.ts";

const found = !clientsMissing("kubectl");
const program = found ? await clientTool("kubectl") : "kubectl";

Deno.test({
  name: "kubectl acts with the rights of its user, and asks for them",
  ignore: !found,
  fn: async () => {
    const { app, stop } = await world("ns");
    const server = await serve({
      addresses: [{ host: "127.0.0.1", port: 0 }],
      certificate: serving.certificate,
      key: serving.key,
      clientCertificateAuthority: authority.certificate,
      fetch: (request, environment) => app.fetch(request, environment),
    });
    const path = await Deno.makeTempFile({ suffix: ".yaml" });
    const url = `https://127.0.0.1:${server.addresses[0]!.port}`;
    const options = { cluster: "c", user: "u", server: url, authority: authority.certificate, namespace: "ns" };
    const write = (credentials: Parameters<typeof kubeconfig>[0]["credentials"]) =>
      Deno.writeTextFile(path, kubeconfig({ ...options, credentials }));
    const home = await Deno.makeTempDir();
    const kubectl = async (...args: string[]) => {
      const { stdout, stderr } = await new Deno.Command(program, {
        args: ["--kubeconfig", path, ...args],
        env: { HOME: home },
      }).output();
      return `${new TextDecoder().decode(stdout)}${new TextDecoder().decode(stderr)}`.trim();
    };
    try {
      await write(admin);
      assertEquals(await kubectl("auth", "can-i", "delete", "secrets"), "yes");
      assertStringIncludes(await kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"), "admin");
      assertEquals(await kubectl("auth", "can-i", "list", "pods", "--as", "bob"), "no");
      assertStringIncludes(
        await kubectl("get", "pods", "--as", "bob"),
        'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "ns"',
      );
      const bound = await kubectl("create", "rolebinding", "b", "--clusterrole=view", "--serviceaccount=ns:default");
      assertEquals(bound, "rolebinding.rbac.authorization.k8s.io/b created");
      const token = await kubectl("create", "token", "default");
      assertMatch(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
      const service = await kubectl(
        "create",
        "service",
        "clusterip",
        "s",
        "--tcp=80",
        "-o",
        "jsonpath={.spec.clusterIP}",
      );
      assertMatch(service, /^10\.0\.\d+\.\d+$/);

      await write({ token });
      assertEquals(
        await kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"),
        "system:serviceaccount:ns:default",
      );
      assertEquals(await kubectl("get", "services", "-o", "jsonpath={.items[*].metadata.name}"), "s");
      assertStringIncludes(await kubectl("get", "secrets"), 'cannot list resource "secrets" in API group ""');
      assertStringIncludes(
        await kubectl("create", "rolebinding", "x", "--clusterrole=admin", "--user=me"),
        'cannot create resource "rolebindings"',
      );
      await write({ token: `${token}x` });
      assertStringIncludes(await kubectl("get", "pods"), "You must be logged in to the server");
    } finally {
      await server.close(1_000);
      stop();
      await Deno.remove(path);
      await Deno.remove(home, { recursive: true });
    }
  },
});
