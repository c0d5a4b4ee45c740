/** A pod's way from `kubectl apply` to Ready on its page, where master and node are processes of their own. */
import { assertEquals } from "@std/assert";
import { TestCluster } from "../support/cluster.ts";
import { goTo, openBrowser, openPage } from "./page_browser.ts";

const pod = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { containers: [{ name: "app", image: "web:1" }] },
});

Deno.test("inspector page shows a pod's way through every component, of all processes", async () => {
  await using cluster = await TestCluster.start({ nodes: 1, flags: ["--runtime", "simulated", "--split"] });
  await cluster.kubectl.ok(["apply", "-f", "-"], { input: pod });
  await cluster.kubectl.ok("wait --for=condition=Ready pod/web --timeout=60s");
  await using browser = await openBrowser();
  const { page, complaints } = await openPage(browser);
  await page.goto(/https:\S+/.exec(await cluster.chartroom("inspect"))![0]);
  await page.locator(".tile").getByText("web").first().waitFor();
  await goTo(page, "#/object/default/web");
  const lanes = page.getByRole("region", { name: "Sequence of components", exact: true });
  await lanes.getByText("Docker", { exact: true }).waitFor({ state: "attached" });
  assertEquals(await lanes.locator("text.who").allTextContents(), [
    "client",
    ...await lanes.getByText("controllers", { exact: true }).count() > 0 ? ["controllers"] : [],
    "API server",
    "log (raft)",
    "scheduler",
    "kubelet",
    "Docker",
  ]);
  const screenshot = Deno.env.get("SCREENSHOT");
  if (screenshot !== undefined) await lanes.screenshot({ path: screenshot });
  assertEquals(complaints, []);
});
