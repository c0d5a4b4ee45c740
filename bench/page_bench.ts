/**
 * The inspector's page over 10,000 actors that take 5,000 steps a second: frames while its list is scrolled, the longest
 * time that its main thread is held up, and the processor time of the server, which is a process of its own with the
 * real routes and hub. Needs Chromium.
 */
import { createMachine } from "xstate";
import { realClock } from "../actors/real/real_clock.ts";
import { actorKind, ActorSystem, address } from "../actors/system.ts";
import { startInspector } from "../commands/inspector.ts";
import { createApp } from "../http/app.ts";
import type { Api } from "../http/machinery/api.ts";
import { serve } from "../http/server.ts";
import { goTo, openBrowser, openPage } from "../tests/browser/page_browser.ts";
import { serving } from "../tests/http/server/keys.ts";

const actors = 10_000;
const stepsPerSecond = 5_000;
const turnMs = 20;
const seconds = 10;
const goals = { framesPerSecond: 60, blockedMs: 50 };

async function serveActors(): Promise<void> {
  const system = new ActorSystem({ clock: realClock });
  const machine = createMachine({
    id: "pod",
    options: { maxIterations: 100 },
    initial: "running",
    states: { running: { on: { "probe.failed": "failing" } }, failing: { on: { "probe.failed": "running" } } },
  });
  const kind = actorKind("pod", machine, {});
  const pods = Array.from({ length: actors }, (_, index) =>
    system.spawn(kind, {
      address: address({ node: `worker-${index % 20}`, kind: "pod", namespace: "default", name: `pod-${index}` }),
      input: undefined,
    }));
  const report = (problem: string) => console.error(problem);
  const authorizer = { authorize: () => ({ allowed: true, reason: "" }) };
  const inspector = await startInspector({ system, cluster: "bench", name: "master-0", authorizer, report });
  const api = {
    registry: { all: () => [], hasGroup: () => false },
    clock: realClock,
    schema: Promise.resolve({}),
    authorize: () => Promise.resolve(),
  } as unknown as Api;
  const user = { name: "admin", groups: ["system:masters"] };
  const app = createApp({
    api,
    authenticator: inspector.authenticator({ authenticate: () => Promise.resolve(user) }),
    serverAddress: "",
    health: { livez: [], readyz: [] },
    open: inspector.open,
    extend: inspector.extend,
  });
  const server = await serve({
    addresses: [{ host: "127.0.0.1", port: 0 }],
    certificate: serving.certificate,
    key: serving.key,
    fetch: (request, environment) => app.fetch(request, environment),
  });
  console.log(`https://127.0.0.1:${server.addresses[0]!.port}/inspect/`);
  const began = performance.now();
  let next = 0;
  setInterval(() => {
    // A turn that comes late makes up for it.
    for (const due = (performance.now() - began) * stepsPerSecond / 1_000; next < due; next++) {
      pods[next % actors]!.send({ type: "probe.failed" });
    }
  }, turnMs);
}

async function measure(): Promise<void> {
  const self = new URL(import.meta.url).pathname;
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", self, "serve"],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const url = ((await lines.read()).value ?? "").trim();
    const alone = await processorShare(server.pid, () => pause(3_000));
    await using browser = await openBrowser();
    const { page } = await openPage(browser);
    await page.goto(url);
    await goTo(page, "#/actors");
    await page.locator(".list-row").first().waitFor();
    await pause(1_000);
    let seen = { frames: [] as number[], long: [] as number[] };
    const watched = await processorShare(server.pid, async () => {
      seen = await page.evaluate(`(${scrolled})(${seconds * 1_000})`) as typeof seen;
    });
    const late = seen.frames.toSorted((one, other) => one - other);
    const perSecond = seen.frames.length / (seen.frames.reduce((sum, ms) => sum + ms, 0) / 1_000);
    const blocked = Math.max(0, ...seen.long);
    const verdict = (met: boolean) => met ? "met" : "MISSED";
    console.log(`${actors} actors, ${stepsPerSecond} steps/s, the list scrolled for ${seconds} s`);
    console.log(
      `frames:  ${perSecond.toFixed(1)}/s (99 of 100 within ${late[Math.floor(late.length * 0.99)]?.toFixed(1)} ms), ` +
        `goal ${goals.framesPerSecond}/s: ${verdict(perSecond >= goals.framesPerSecond - 1)}`,
    );
    console.log(
      `blocked: ${blocked.toFixed(0)} ms at most, ${seen.long.length} times over 50 ms, ` +
        `goal under ${goals.blockedMs} ms: ${verdict(blocked < goals.blockedMs)}`,
    );
    console.log(`server:  ${percent(alone)} of a core with nobody watching, ${percent(watched)} with the page`);
  } finally {
    server.kill();
    await server.status;
  }
}

/** Runs in the page. Told as text: what it is made of belongs to the browser. */
const scrolled = `(ms) => new Promise((done) => {
  const long = [], frames = [];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((each) => each.duration)))
    .observe({ entryTypes: ["longtask"] });
  const list = document.querySelector(".list");
  const began = performance.now();
  let last = began;
  requestAnimationFrame(function frame(now) {
    if (now > last) frames.push(now - last);
    last = now;
    list.scrollTop += 40;
    if (now - began < ms) requestAnimationFrame(frame);
    else done({ frames, long });
  });
})`;

async function processorShare(pid: number, work: () => Promise<void>): Promise<number> {
  const before = processorSeconds(pid);
  const began = performance.now();
  await work();
  return (processorSeconds(pid) - before) / ((performance.now() - began) / 1_000);
}

/** User and system time, in ticks of 10 ms behind the name in parentheses. */
function processorSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

if (Deno.args[0] === "serve") await serveActors();
else await measure();
