import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { accessibilityFaults, goTo, openBrowser, openPage } from "./page_browser.ts";
import { began, chart, fakeStream, hello, machine, podRow, recordsOf } from "./fake_stream.ts";

const stuck = podRow(1, {
  states: [
    "active.preparing.sandbox.backOff",
    "active.preparing.volumes.mounted",
    "active.preparing.containers.waiting",
  ],
  problems: ["failing"],
  says: "no address is free",
});
const rows = [stuck, podRow(0), podRow(2), podRow(3)];
const actor = `#/actor/${stuck.id}`;
const views = [
  "#/cluster",
  "#/actors",
  actor,
  `${actor}?tab=story`,
  `${actor}?tab=sequence`,
  `${actor}?tab=context`,
  "#/object/default/web-1",
];

Deno.test("inspector page shows a pod's chart with its active states, its cause and its next step", async () => {
  await using stream = fakeStream(rows);
  await using browser = await openBrowser();
  const { page, complaints, hosts } = await openPage(browser);
  await page.goto(stream.url);
  await page.getByRole("link", { name: "pod default/web-1" }).first().click();
  await page.locator(".state.active[data-state='active.preparing.sandbox.backOff']").waitFor();
  await page.locator(".arrow.taken").first().waitFor();
  assertEquals(await page.locator(".explained .cause").innerText(), "Cause\n\nno address is free");
  assert((await page.locator(".explained").innerText()).includes("after sandboxBackOff: to creating"));
  assertEquals(complaints, []);
  assertEquals([...hosts], [new URL(stream.url).host]);
});

Deno.test("inspector page goes back in an actor's time, event by event", async () => {
  await using stream = fakeStream(rows);
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await page.goto(stream.url + actor);
  await page.getByRole("button", { name: "One event back" }).click();
  await page.locator(".state.active[data-state='active.preparing.sandbox.creating']").waitFor();
  assertEquals(await page.locator(".state.active[data-state='active.preparing.sandbox.backOff']").count(), 0);
  assert((await page.locator(".explained").innerText()).includes("createSandbox, ordered"));
});

for (const scheme of ["light", "dark"] as const) {
  for (const width of [1280, 390]) {
    Deno.test(`inspector page is accessible and fits, ${scheme}, ${width} pixels wide`, async () => {
      await using stream = fakeStream(rows);
      await using browser = await openBrowser();
      const { page, complaints } = await openPage(browser, { width, scheme });
      await page.goto(stream.url);
      for (const view of views) {
        await goTo(page, view);
        await page.locator("main h1").waitFor();
        if (view === actor) await page.locator(".state.active").first().waitFor();
        assertEquals(await accessibilityFaults(page), [], view);
        const across = await page.evaluate("document.documentElement.scrollWidth");
        assert(Number(across) <= width, `${view} is ${across} wide`);
      }
      assertEquals(complaints, []);
    });
  }
}

Deno.test("inspector page reopens a recording without a cluster and steps through it", async () => {
  await using stream = fakeStream(rows);
  await using browser = await openBrowser();
  const { page } = await openPage(browser);
  await page.goto(stream.url);
  const before = { ...stuck, states: recordsOf(stuck)[0]!.states, problems: [], says: "before" };
  const lines = [
    hello("recording"),
    { type: "machines", machines: { [machine]: chart } },
    {
      type: "actors",
      sequence: 1,
      wallTime: began,
      rows: [before],
      offset: 0,
      matched: 1,
      total: 1,
      first: true,
      last: true,
    },
    { type: "records", records: recordsOf(stuck), dropped: 0 },
  ];
  await page.locator("input[type=file]").setInputFiles({
    ...{ name: "rolling.jsonl", mimeType: "application/jsonl" },
    buffer: Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n")),
  });
  await page.getByText("rolling.jsonl").waitFor();
  await goTo(page, actor);
  await page.locator(".state.active[data-state='active.preparing.sandbox.backOff']").waitFor();
  await page.getByRole("button", { name: "One event back" }).click();
  await page.locator(".state.active[data-state='active.preparing.sandbox.creating']").waitFor();
});

Deno.test("inspector page stays usable with 10,000 actors and 5,000 changes a second", async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => podRow(index));
  await using stream = fakeStream(many);
  await using browser = await openBrowser();
  const { page, complaints } = await openPage(browser);
  await page.goto(`${stream.url}#/actors`);
  await page.locator(".list-row").first().waitFor();
  await page.evaluate(
    `globalThis.long = []; new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration))).observe({ entryTypes: ["longtask"] })`,
  );
  const changed = (round: number) =>
    many.slice(0, 120).map(({ id }) => ({ id, transitions: round, since: began + round }));
  const records = many.slice(0, 500).flatMap((row) => recordsOf(row).slice(0, 1));
  for (let round = 0; round < 20; round++) {
    stream.say({
      type: "changes",
      sequence: 3 + round,
      wallTime: began,
      matched: many.length,
      total: many.length,
      added: [],
      changed: changed(round),
      removed: [],
    });
    stream.say({ type: "records", records: records.map((record) => ({ ...record, sequence: round })), dropped: 0 });
    await page.locator(".list").evaluate(
      (list, top) => (list as unknown as { scrollTop: number }).scrollTop = top,
      round * 2000,
    );
    await page.waitForTimeout(100);
  }
  const long = await page.evaluate("long") as number[];
  console.log(`main thread blocked: ${long.length} tasks over 50 ms, longest ${Math.max(0, ...long).toFixed(0)} ms`);
  await page.locator(".list-row").first().waitFor();
  assert(await page.locator(".list-row").count() <= 60);
  assertEquals(complaints, []);
});
