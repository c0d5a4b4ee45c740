/** An API that another server provides, used by kubectl as if it were the cluster's own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { kubectlSuite } from "../support/kubectl_suite.ts";
import { extensionServer, group, manifests } from "../http/aggregation/extension_server.ts";

const test = kubectlSuite("aggregation");

test("kubectl finds, lists and gets what an extension server provides", async ({ kubectl, cluster }) => {
  await using server = await extensionServer(cluster.master.keys.frontProxyAuthority.certificate);
  const { service, apiService } = manifests(server);
  await kubectl.ok(["create", "-n", "default", "-f", "-"], { input: JSON.stringify(service) });
  await kubectl.ok(["create", "-f", "-"], { input: JSON.stringify(apiService) });
  await kubectl.ok(["wait", "--for=condition=Available", "--timeout=20s", `apiservice/v1.${group}`]);
  await eventually("it is discovered", async () => {
    assertStringIncludes(await kubectl.ok(["api-resources", `--api-group=${group}`]), "things");
  });
  assertEquals((await kubectl.ok(["get", "th", "-n", "default", "-o", "name"])).split("\n").filter(Boolean), [
    `thing.${group}/a`,
    `thing.${group}/b`,
  ]);
  assertEquals(await kubectl.ok(["get", "things", "a", "-n", "default", "-o", "jsonpath={.metadata.name}"]), "a");
  await kubectl.ok(["delete", "apiservice", `v1.${group}`]);
});
