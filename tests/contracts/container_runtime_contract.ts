/** What every container runtime does, real or simulated. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ContainerDraft,
  type ContainerRuntime,
  RuntimeError,
  type RuntimeEvent,
} from "../../ports/container_runtime.ts";

export interface RuntimeWorld {
  readonly runtime: ContainerRuntime;
  /** There already. */
  readonly image: string;
  /** Parts of a draft that make a process behave so. */
  readonly programs: {
    readonly runs: Partial<ContainerDraft>;
    readonly ignoresStop: Partial<ContainerDraft>;
    /** Says "out" and "err" and ends with 3. */
    readonly talks: Partial<ContainerDraft>;
    readonly cannotStart: Partial<ContainerDraft>;
  };
  /** A command that says its input and ends with 7. */
  readonly echo: readonly string[];
}

type Test = (
  world: RuntimeWorld & { draft(program: Partial<ContainerDraft>, name?: string): ContainerDraft },
) => Promise<void>;

const labels = { "chartroom.contract": crypto.randomUUID() };

async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

async function logOf(runtime: ContainerRuntime, id: string, options = {}): Promise<string[]> {
  const said: string[] = [];
  const decoder = new TextDecoder();
  for await (const { stream, bytes } of await runtime.logs(id, options)) {
    said.push(`${stream}: ${decoder.decode(bytes)}`);
  }
  return said.sort();
}

const tests: Record<string, Test> = {
  "says who it is": async ({ runtime }) => {
    const { version, architecture, cpus, memoryBytes } = await runtime.version();
    assert(version.startsWith("docker://") && architecture !== "" && cpus > 0 && memoryBytes > 0);
  },
  "knows which images are there": async ({ runtime, image }) => {
    const found = await runtime.inspectImage(image);
    assert(found!.tags.includes(image));
    assertEquals(await runtime.inspectImage("chartroom-test/absent:1"), undefined);
    assert((await runtime.listImages()).some(({ id }) => id === found!.id));
  },
  "makes a container once for a name, and refuses the name to others": async ({ runtime, draft, programs }) => {
    const wanted = draft(programs.runs);
    const { id, existed } = await runtime.create(wanted);
    assertEquals(existed, false);
    assertEquals(await runtime.create(wanted), { id, existed: true });
    const other = { ...wanted, labels: { ...wanted.labels, owner: "somebody else" } };
    const error = await assertRejects(() => runtime.create(other), RuntimeError);
    assertEquals(error.code, "conflict");
    assertEquals((await runtime.inspect(id))?.state, "created");
  },
  "refuses an image that is not there": async ({ runtime, draft, programs }) => {
    const error = await assertRejects(
      () => runtime.create({ ...draft(programs.runs), image: "chartroom-test/absent:1" }),
      RuntimeError,
    );
    assertEquals(error.code, "notFound");
  },
  "starts, lists, stops and removes; every order may be repeated": async ({ runtime, draft, programs }) => {
    const { id } = await runtime.create(draft(programs.runs));
    await runtime.start(id);
    await runtime.start(id);
    const running = (await runtime.list(labels)).find((each) => each.id === id)!;
    assert(running.state === "running" && running.pid > 0 && running.startedAt !== undefined);
    await runtime.stop(id, 5);
    await runtime.stop(id, 5);
    await runtime.kill(id);
    const ended = (await runtime.inspect(id))!;
    assert(ended.state === "exited" && ended.finishedAt !== undefined && ended.pid === 0);
    await runtime.remove(id);
    await runtime.remove(id);
    assertEquals(await runtime.inspect(id), undefined);
  },
  "kills after the grace what ignores the stop signal": async ({ runtime, draft, programs }) => {
    const { id } = await runtime.create(draft(programs.ignoresStop));
    await runtime.start(id);
    await logOf(runtime, id, {});
    const began = performance.now();
    await runtime.stop(id, 1);
    assert(performance.now() - began >= 900);
    assertEquals((await runtime.inspect(id))?.exitCode, 137);
  },
  "tells of starts, ends and removals, and ends the telling on request": async ({ runtime, draft, programs }) => {
    const heard: RuntimeEvent[] = [];
    const ended = Promise.withResolvers<void>();
    const name = draft({}).name;
    const mine = { ...labels, name };
    const watch = await runtime.watch(mine, {
      event(event) {
        heard.push(event);
        if (event.type === "removed") ended.resolve();
      },
      closed: (reason) => ended.reject(new Error(reason)),
    });
    const { id } = await runtime.create({ ...draft(programs.talks, name), labels: mine });
    await runtime.start(id);
    while ((await runtime.inspect(id))?.state !== "exited") await new Promise((resolve) => setImmediate(resolve));
    await runtime.remove(id);
    await ended.promise;
    watch.cancel();
    assertEquals(heard.map(({ type, exitCode }) => [type, exitCode]), [
      ["started", undefined],
      ["exited", 3],
      ["removed", undefined],
    ]);
    assert(
      heard.every((event) => event.id === id && event.labels.name === name && !Number.isNaN(Date.parse(event.at))),
    );
  },
  "keeps both streams of the log apart": async ({ runtime, draft, programs }) => {
    const { id } = await runtime.create(draft(programs.talks));
    await runtime.start(id);
    assertEquals(await logOf(runtime, id, { follow: true }), ["stderr: err\n", "stdout: out\n"]);
    assertEquals(await logOf(runtime, id), ["stderr: err\n", "stdout: out\n"]);
    assertEquals(await logOf(runtime, id, { stderr: false }), ["stdout: out\n"]);
    assertEquals(await logOf(runtime, id, { tailLines: 0 }), []);
    const [dated] = await logOf(runtime, id, { stderr: false, timestamps: true });
    assert(/^stdout: \d{4}-\d\d-\d\dT[\d:.]+Z out\n$/.test(dated!), dated);
  },
  "runs a command with input and tells its exit code": async ({ runtime, draft, programs, echo }) => {
    const { id } = await runtime.create(draft(programs.runs));
    await runtime.start(id);
    const process = await runtime.exec(id, { command: echo, stdin: true });
    const writer = process.stdin!.getWriter();
    await writer.write(new TextEncoder().encode("hello\n"));
    await writer.close();
    const [stdout, stderr, { exitCode }] = await Promise.all([
      collect(process.stdout),
      collect(process.stderr),
      process.exit,
    ]);
    assertEquals([stdout, stderr, exitCode], ["hello\n", "", 7]);
  },
  "says why a container cannot be started and remembers it": async ({ runtime, draft, programs }) => {
    const { id } = await runtime.create(draft(programs.cannotStart));
    const error = await assertRejects(() => runtime.start(id), RuntimeError);
    assert(["refused", "notFound"].includes(error.code), error.code);
    const found = (await runtime.inspect(id))!;
    assert(found.state === "exited" && found.exitCode === 127 && found.startedAt === undefined, JSON.stringify(found));
  },
  "answers notFound for a container that is not there": async ({ runtime, echo }) => {
    for (
      const call of [
        () => runtime.start("absent-container"),
        () => runtime.logs("absent-container", {}),
        () => runtime.exec("absent-container", { command: echo }),
      ]
    ) {
      assertEquals((await assertRejects(call, RuntimeError)).code, "notFound");
    }
  },
};

export function containerRuntimeContract(name: string, make: () => Promise<RuntimeWorld>): void {
  for (const [rule, test] of Object.entries(tests)) {
    Deno.test(`${name} ${rule}`, async () => {
      const world = await make();
      let count = 0;
      const run = crypto.randomUUID().slice(0, 8);
      const draft = (program: Partial<ContainerDraft>, called = `contract-${run}-${++count}`): ContainerDraft => ({
        name: called,
        image: world.image,
        labels,
        network: "none",
        ipc: "shareable",
        ...program,
      });
      try {
        await test({ ...world, draft });
      } finally {
        for (const { id } of await world.runtime.list(labels)) await world.runtime.remove(id);
      }
    });
  }
}
