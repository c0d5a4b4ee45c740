/** A rolling update is saved from the page, reopened when its cluster is gone, and stepped through. */
import { assert, assertEquals } from "@std/assert";
import { serveAlone } from "../../commands/inspect_alone.ts";
import { TestCluster } from "../support/cluster.ts";
import { goTo, openBrowser, openPage } from "./page_browser.ts";

async function savedRecording(): Promise<{ text: string; before: string[]; after: string[] }> {
  await using cluster = await TestCluster.start({ nodes: 1, flags: ["--runtime", "simulated", "--history", "50MB"] });
  const { kubectl } = cluster;
  const pods = async () => {
    const names = await kubectl.ok("get pods -l app=web -o jsonpath={.items[*].metadata.name}");
    return names.split(" ").filter((name) => name !== "");
  };
  await kubectl.ok("create deployment web --image=web --replicas=2");
  await kubectl.ok("rollout status deployment/web --timeout=30s");
  const before = await pods();
  await kubectl.ok("rollout restart deployment/web");
  await kubectl.ok("rollout status deployment/web --timeout=30s");
  await kubectl.ok(`wait --for=delete ${before.map((name) => `pod/${name}`).join(" ")} --timeout=60s`);
  const after = await pods();
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await page.goto(/https:\S+/.exec(await cluster.chartroom("inspect"))![0]);
  await page.locator(".tile").getByText(after[0]!).waitFor();
  const downloaded = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save recording" }).click();
  return { text: await Deno.readTextFile(await (await downloaded).path()), before, after };
}

Deno.test("inspector page reopens a rolling update without its cluster: old pods give way to new ones, step by step", async () => {
  const { text, before, after } = await savedRecording();
  assertEquals(before.filter((name) => after.includes(name)), []);
  const listening = Promise.withResolvers<string>();
  const alone = serveAlone({ port: 0, recording: text, listening: listening.resolve });
  try {
    await using browser = await openBrowser();
    const { page, complaints, hosts } = await openPage(browser);
    const url = await listening.promise;
    await page.goto(`${url}/inspect/#recording=/inspect/recording`);
    const tiles = page.locator(".tile");
    await tiles.getByText(after[0]!).waitFor();
    assertEquals(await tiles.getByText(before[0]!).count(), 0);
    // Home and End of the bar are the beginning and the end of the recording.
    const time = page.getByRole("slider", { name: "Time", exact: true });
    const moments: string[] = [];
    await time.focus();
    await time.press("Home");
    for (let part = 0; part < 10; part++) {
      await page.waitForTimeout(50);
      const said = (await tiles.allInnerTexts()).join(" ");
      const some = (names: readonly string[]) => names.some((name) => said.includes(name));
      moments.push(`${some(before) ? "old" : ""}${some(after) ? "new" : ""}`);
      await time.press("PageUp");
    }
    await time.press("End");
    assertEquals(moments[0], "");
    assert(moments.includes("old"), `${moments}`);
    // One that has ended within the recording can be stepped through as well.
    const old = JSON.parse(text.split("\n").find((line) => line.includes(`/pod/default/${before[0]}/`))!);
    const rows = [...old.added ?? [], ...old.rows ?? [], ...old.records ?? []] as { id: string }[];
    const { id } = rows.find((each) => each.id.includes(`/pod/default/${before[0]}/`))!;
    await goTo(page, `#/actor/${id}`);
    await page.locator(".state.active").first().waitFor();
    const words = page.getByRole("group", { name: "Time travel" });
    const last = await words.innerText();
    await page.getByRole("button", { name: "One event back" }).click();
    assert(last !== await words.innerText());
    assertEquals(complaints, []);
    assertEquals([...hosts], [new URL(url).host]);
  } finally {
    await alone.close();
  }
});
