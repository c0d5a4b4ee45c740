/** How a cluster's processes live and die, in one process and in several; pods are simulated, processes are real. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { addressPlan } from "../../machines/network/address_plan.ts";
import { lockHolder } from "../../commands/state_lock.ts";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

const root = new URL("../../", import.meta.url).pathname;
const ignore = clientsMissing("kubectl", "helm");
const simulated = ["--runtime", "simulated"];

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

interface Note {
  readonly pid: number;
  readonly processes: Readonly<Record<string, number>>;
}

async function note(cluster: TestCluster): Promise<Note> {
  return JSON.parse(await Deno.readTextFile(`${cluster.state}/running.json`));
}

async function inDirectory(fn: (directory: string, flags: string[]) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
  const flags = ["--name", `test-${crypto.randomUUID().slice(0, 8)}`, "--state", `${directory}/state`];
  try {
    await fn(directory, flags);
  } finally {
    await chartroom("down", "--delete-state", ...flags);
    await Deno.remove(directory, { recursive: true });
  }
}

/** `up` in the foreground. */
function foreground(...args: string[]) {
  const child = new Deno.Command(`${root}chartroom`, {
    args: ["up", ...simulated, ...args],
    env: { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let said = "";
  const heard = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said += text;
  })();
  return {
    pid: child.pid,
    said: () => said,
    says: (what: RegExp) => eventually(`it says ${what}`, () => assertMatch(said, what), { everyMs: 10 }),
    signal: (signal: Deno.Signal) => child.kill(signal),
    async ended(): Promise<number> {
      await heard;
      return (await child.status).code;
    },
  };
}

test("up --split starts a process again that dies; objects stay, and explain asks them all", async () => {
  await using cluster = await TestCluster.start({ nodes: 2, flags: ["--split", ...simulated] });
  const before = await note(cluster);
  assertEquals(Object.keys(before.processes).sort(), ["master-0", "worker-0", "worker-1"]);
  assertMatch(await cluster.chartroom("status"), /Process +master-0 \d+\n(.*\n)*Node +worker-1 Ready/);
  await cluster.kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
  await cluster.kubectl.ok("create deployment web --image=anything:1 --replicas=2");
  await cluster.kubectl.ok("rollout status deploy/web --timeout=30s");

  const restarted = async (role: string) => {
    const { [role]: old } = (await note(cluster)).processes;
    Deno.kill(old!, "SIGKILL");
    return await eventually(`${role} is another process`, async () => {
      const { [role]: fresh } = (await note(cluster)).processes;
      assert(fresh !== undefined && fresh !== old);
      return fresh;
    });
  };
  await restarted("master-0");
  await eventually("the API is back", () => cluster.kubectl.ok("get --raw /readyz"));
  assertStringIncludes(await cluster.log(), "master-0 ended with 137; it is started again");
  await restarted("worker-1");
  await cluster.kubectl.ok("scale deploy/web --replicas=4");
  await cluster.kubectl.ok("rollout status deploy/web --timeout=30s");

  const [pod] = (await cluster.kubectl.ok("get pods -o name")).trim().split("\n");
  const name = pod!.replace("pod/", "");
  const said = await cluster.chartroom("explain", "pod", name);
  assertMatch(said, new RegExp(`^worker-\\d/pod/default/${name}/`, "m"));
  // The supervisor itself has stayed what it was.
  assertEquals((await note(cluster)).pid, before.pid);
});

test("up --split ends in order, nodes first, and after kill -9 of the supervisor nothing keeps running", async () => {
  await inDirectory(async (directory, flags) => {
    const first = foreground("--split", "--nodes", "2", ...flags);
    await first.says(/Ready in/);
    for (const role of ["master-0", "worker-0", "worker-1"]) {
      assertMatch(first.said(), new RegExp(`^  ok +${role}`, "m"));
    }
    const { processes } = JSON.parse(await Deno.readTextFile(`${directory}/state/running.json`)) as Note;
    assertEquals(await lockHolder(`${directory}/state/lock`), first.pid);
    // A terminal's Ctrl-C goes to every process of the group: only the supervisor minds.
    for (const pid of Object.values(processes)) Deno.kill(pid, "SIGINT");
    first.signal("SIGINT");
    assertEquals(await first.ended(), 0);
    assertMatch(first.said(), /Stopping .*Stopped\./s);
    assert(!/ended with|failed/.test(first.said()), first.said());

    const second = foreground("--split", "--nodes", "2", ...flags);
    await second.says(/Ready in/);
    second.signal("SIGKILL");
    await second.ended();
    assertMatch((await chartroom("status", ...flags)).said, /is not running: its process \d+ ended without a word/);
    // It waits for the former processes, which end as their supervisor has.
    const third = foreground("--nodes", "1", ...flags);
    await third.says(/Ready in/);
    assertMatch(third.said(), /Left out: worker-1\. It becomes NotReady/);
    third.signal("SIGTERM");
    assertEquals(await third.ended(), 0);
    assertEquals((await chartroom("status", ...flags)).code, 3);
  });
});

test("the second Ctrl-C does not wait", async () => {
  await inDirectory(async (directory, flags) => {
    for (const split of [[], ["--split"]]) {
      const cluster = foreground(...split, ...flags);
      await cluster.says(/Ready in/);
      cluster.signal("SIGINT");
      cluster.signal("SIGINT");
      const code = await cluster.ended();
      assert(code === 130 || code === 0, `it ended with ${code}: ${cluster.said()}`);
      await eventually("nobody is left", async () => {
        assertEquals(await lockHolder(`${directory}/state/lock`), undefined);
        assertEquals(await lockHolder(`${directory}/state/roles.lock`), undefined);
      });
    }
  });
});

test("of several that bring the same cluster up at once, one does, and the others say so", async () => {
  await inDirectory(async (directory, flags) => {
    const all = [foreground(...flags), foreground(...flags), foreground(...flags)];
    await Promise.race(all.map((each) => each.says(/Ready in/)));
    const holder = await lockHolder(`${directory}/state/lock`);
    const winner = all.find(({ pid }) => pid === holder)!;
    for (const each of all.filter((one) => one !== winner)) {
      assertEquals(await each.ended(), 1);
      assertMatch(
        each.said(),
        new RegExp(`Cannot bring cluster .* up: it (runs already|is just being started), by process ${holder}`),
      );
    }
    winner.signal("SIGTERM");
    assertEquals(await winner.ended(), 0);
  });
});

test("a port in use is named with who listens there, in every way to start", async () => {
  await inDirectory(async (directory, flags) => {
    await chartroom("up", "--detach", ...simulated, ...flags);
    await chartroom("down", ...flags);
    const { index } = JSON.parse(await Deno.readTextFile(`${directory}/state/cluster.json`));
    const port = addressPlan(index).apiServerPort;
    using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    for (const way of [[], ["--detach"], ["--split"], ["--detach", "--split"]]) {
      const { code, said } = await chartroom("up", ...way, ...simulated, ...flags);
      assertEquals(code, 1, said);
      assertStringIncludes(said, `port ${port} is in use by process ${Deno.pid} (deno`);
      assertEquals((await chartroom("status", ...flags)).code, 3);
    }
    const names = (await Array.fromAsync(Deno.readDir(`${directory}/state`))).map(({ name }) => name).sort();
    assertEquals(names.filter((name) => /pid|new$/.test(name)), []);
  });
});

test("without root, pods are simulated, loudly", async () => {
  await inDirectory(async (_directory, flags) => {
    // In a user namespace of its own a process is nobody, and what belongs to us it may still read.
    const { code, stderr } = await new Deno.Command("unshare", {
      args: ["--user", `${root}chartroom`, "up", "--detach", ...flags],
      env: { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() },
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 0, said);
    assertMatch(said, /NO CONTAINERS WILL RUN: wiring pods to the network takes root/);
    assertMatch((await chartroom("status", ...flags)).said, /Runtime +simulated/);
  });
});

test("down is done twice, with a dead cluster, and takes only what is its own", async () => {
  await inDirectory(async (directory, flags) => {
    const cluster = foreground(...flags);
    await cluster.says(/Ready in/);
    cluster.signal("SIGKILL");
    await cluster.ended();
    for (let time = 0; time < 2; time++) assertEquals((await chartroom("down", ...flags)).code, 0);
    await Deno.writeTextFile(`${directory}/state/mine.txt`, "");
    assertEquals((await chartroom("down", "--delete-state", ...flags)).code, 0);
    assertEquals((await Array.fromAsync(Deno.readDir(`${directory}/state`))).map(({ name }) => name), ["mine.txt"]);
    assertEquals((await chartroom("down", "--delete-state", ...flags)).code, 0);
    const { code, said } = await chartroom("up", ...simulated, ...flags);
    assertEquals(code, 1);
    assertStringIncludes(said, 'there is something else in it ("mine.txt")');
  });
});
