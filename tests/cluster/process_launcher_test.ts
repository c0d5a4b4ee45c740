/** The launcher where little is there: on a PATH without Deno, in a home that is empty, by a link, among spaces. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import configuration from "../../deno.json" with { type: "json" };

const launcher = new URL("../../chartroom", import.meta.url).pathname;
const basics =
  "sh env cat sed grep head tr ls id dirname readlink mkdir uname setsid sleep ss unshare mount ip sysctl umount stat ln touch";

/** A machine of links to this one's programs, with nothing in its home. */
class BareMachine implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  static async make(...programs: string[]): Promise<BareMachine> {
    const machine = new BareMachine(await Deno.makeTempDir({ prefix: "chartroom test, bare " }));
    for (const folder of ["bin", "home"]) await Deno.mkdir(`${machine.directory}/${folder}`);
    for (const program of [...basics.split(" "), ...programs]) {
      const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] }).output();
      const real = new TextDecoder().decode(stdout).trim();
      if (real !== "") await Deno.symlink(real, `${machine.directory}/bin/${program}`);
    }
    await Deno.symlink(launcher, `${machine.directory}/the launcher`);
    return machine;
  }

  async run(...args: string[]): Promise<{ code: number; said: string }> {
    const { CHARTROOM_DENO: _1, XDG_CACHE_HOME: _2, ...rest } = Deno.env.toObject();
    const home = `${this.directory}/home`;
    const { code, stdout, stderr } = await new Deno.Command("./the launcher", {
      args,
      cwd: this.directory,
      clearEnv: true,
      env: {
        ...rest,
        PATH: `${this.directory}/bin`,
        HOME: home,
        XDG_DATA_HOME: `${home}/data`,
        DENO_DIR: `${home}/deno`,
        NO_COLOR: "1",
      },
      stdin: "null",
    }).output();
    return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("the launcher without Deno says what is missing and how to get it", async () => {
  await using machine = await BareMachine.make("npm", "node");
  for (const args of [["version"], ["up", "--runtime", "simulated"], ["--help"], []]) {
    const { code, said } = await machine.run(...args);
    assertEquals(code, 1);
    assertMatch(said, /Missing: Deno 2\.9\.3, exactly that one\. Get it with:\n {2}npm install .*deno@2\.9\.3\n/);
    assertMatch(said, /let Chartroom do it: '.*\/the launcher' up --install\n$/);
  }
  assertEquals((await Array.fromAsync(Deno.readDir(`${machine.directory}/home`))).length, 0);
});

Deno.test("the launcher with another Deno says that it is another", async () => {
  await using machine = await BareMachine.make("npm", "node");
  await Deno.writeTextFile(`${machine.directory}/bin/deno`, '#!/bin/sh\necho "deno 2.9.6 (stable)"\n', { mode: 0o755 });
  const { code, said } = await machine.run("version");
  assertEquals(code, 1);
  assertStringIncludes(said, `exactly that one (${machine.directory}/bin/deno is another)`);
});

Deno.test("the launcher without npm gets Deno by curl, without either it asks for one", async () => {
  await using curl = await BareMachine.make("curl", "unzip");
  assertMatch(
    (await curl.run("version")).said,
    /Get it with:\n {2}sh -c 'curl -fsSL .*v2\.9\.3' sh '.*deno-2\.9\.3'\n/,
  );
  await using nothing = await BareMachine.make();
  const { code, said } = await nothing.run("up", "--install", "--runtime", "simulated");
  assertEquals(code, 1);
  assertMatch(said, /neither npm nor curl is here/);
});

Deno.test("the launcher names Debian's packages that are missing", async () => {
  await using machine = await BareMachine.make("npm", "node", "apt-get");
  const { code, said } = await machine.run("up");
  assertEquals(code, 1);
  // The system's own folders are always looked through, so only what lies elsewhere is missing here.
  assertMatch(said, /Missing: .*util-linux\. Get them with:\n {2}apt-get install .*util-linux\n/);
  assertStringIncludes(said, "--runtime simulated");
});

Deno.test("the launcher's printed command runs", async () => {
  const state = await Deno.makeTempDir({ prefix: "chartroom test, it's " });
  const run = async (program: string, args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(program, { args, env: { CHARTROOM_DENO: Deno.execPath() } })
      .output();
    return { code, out: new TextDecoder().decode(stdout), said: new TextDecoder().decode(stderr) };
  };
  const { out } = await run(launcher, ["status", "--name", "test-print", "--state", state, "--print-command"]);
  assert(!out.includes("--allow-all"), out);
  const { code, out: said } = await run("sh", ["-c", out]);
  assertEquals([code, said.includes('Cluster "test-print" does not exist')], [1, true]);
  await Deno.remove(state);
});

Deno.test("the launcher installs Deno and all packages on a bare machine, aloud, and brings a cluster up", async () => {
  await using machine = await BareMachine.make("npm", "node", "tar", "gzip");
  const flags = ["--name", "test-bare", "--state", `${machine.directory}/home/a state`];
  try {
    const { code, said } = await machine.run("up", "--install", "--runtime", "simulated", "--detach", ...flags);
    assertEquals(code, 0, said);
    const order = [/^\+ npm install .*deno@2\.9\.3$/m, /^Fetching the packages/m, /^Download .*hono/m, /^Ready in/m];
    const places = order.map((mark) => said.search(mark));
    assertEquals(places, places.toSorted((a, b) => a - b));
    assert(places.every((place) => place >= 0), said);
    const again = await machine.run("status", ...flags);
    assertEquals([again.code, /Node +worker-0 Ready/.test(again.said)], [0, true], again.said);
    assert(!/Download|Fetching/.test(again.said), again.said);
    assertStringIncludes((await machine.run("version")).said, `chartroom ${configuration.version}`);
  } finally {
    assertEquals((await machine.run("down", "--delete-state", ...flags)).code, 0);
  }
});
