/** Starts that cannot be, and what is said about them: nothing is changed by them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { buildBusybox, busybox } from "../docker/images.ts";
import { chartroom, TestCluster } from "../support/cluster.ts";
import { clientsMissing } from "../support/kubectl.ts";

const ignore = clientsMissing("kubectl");
let cluster: TestCluster | undefined;
Deno.test.afterAll(async () => await cluster?.[Symbol.asyncDispose]());

async function shared(): Promise<TestCluster> {
  await buildBusybox();
  return cluster ??= await TestCluster.start({ nodes: 1 });
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

test("a second up of the same cluster is refused and leaves the first alone", async () => {
  const first = await shared();
  const { pid } = await first.running();
  for (const flags of [["--detach"], []]) {
    const { code, said } = await chartroom("up", ...flags, "--name", first.name, "--state", first.state);
    assertEquals(code, 1);
    assertMatch(said, new RegExp(`Cannot bring cluster "${first.name}" up: it runs already, (as|by) process ${pid}`));
  }
  assertEquals((await first.running()).pid, pid);
  assertEquals(await first.kubectl.ok("get --raw /readyz"), "ok");
});

test("the state directory of another cluster is refused, whatever is to be done", async () => {
  const first = await shared();
  const before = await Deno.readTextFile(`${first.state}/cluster.json`);
  for (const command of [["up", "--detach"], ["down", "--delete-state"], ["status"], ["kubeconfig"]]) {
    const { code, said } = await chartroom(...command, "--name", "test-other", "--state", first.state);
    assert(code !== 0, `${command} succeeded: ${said}`);
    assertStringIncludes(said, `it belongs to cluster "${first.name}"`);
  }
  assertEquals(await Deno.readTextFile(`${first.state}/cluster.json`), before);
  assertEquals(await first.kubectl.ok("get --raw /readyz"), "ok");
});

const wrong: { args: string[]; says: RegExp }[] = [
  { args: ["up", "--name", "Not A Name"], says: /Cannot use cluster name "Not A Name"/ },
  { args: ["up", "--nodes", "0"], says: /--nodes.*must be a whole number from 1/s },
  { args: ["up", "--nodes", "many"], says: /--nodes.*must be a whole number/s },
  { args: ["up", "--runtime", "podman"], says: /--runtime.*Allowed choices are docker, simulated/s },
  { args: ["up", "--colour", "red"], says: /unknown option '--colour'/ },
  { args: ["upp"], says: /unknown command 'upp'/ },
];
for (const { args, says } of wrong) {
  test(`chartroom ${args.join(" ")} says what is wrong`, async () => {
    const state = `${await Deno.makeTempDir({ prefix: "chartroom-test-" })}/state`;
    const { code, said } = await chartroom(...args, ...(args[0] === "up" ? ["--state", state] : []));
    assert(code !== 0);
    assertMatch(said, says);
    assertEquals(await Deno.stat(state).then(() => "made", () => "not made"), "not made");
    await Deno.remove(state.replace(/\/state$/, ""));
  });
}

test("a state that is no directory, and one that cannot be read, are named", async () => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
  await Deno.writeTextFile(`${directory}/file`, "");
  await Deno.mkdir(`${directory}/torn`);
  await Deno.writeTextFile(`${directory}/torn/cluster.json`, '{"name": "test-to');
  for (const name of ["file", "torn"]) {
    const { code, said } = await chartroom("up", "--detach", "--name", "test-torn", "--state", `${directory}/${name}`);
    assert(code !== 0, said);
    assertStringIncludes(said, `${directory}/${name}`);
  }
  await Deno.remove(directory, { recursive: true });
});

test("status, kubeconfig, version and down speak of the cluster, and of one that is not there", async () => {
  const first = await shared();
  assertMatch(await first.chartroom("status"), /runs as process \d+.*worker-0\s+Ready/s);
  assertMatch(await first.chartroom("kubeconfig"), /server: https:\/\/127\.0\.0\.1:\d+/);
  assertStringIncludes(await first.chartroom("kubeconfig", "--path"), first.kubeconfig);
  assertMatch((await chartroom("version")).said, /1\.36/);
  const nobody = ["--name", "test-nobody", "--state", `${first.directory}/nobody`];
  assertMatch((await chartroom("status", ...nobody)).said, /does not exist/);
  assertEquals((await chartroom("down", ...nobody)).code, 0);
});

test("explain says in plain words where a pod is and what it waits for", async () => {
  const first = await shared();
  await first.kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
  await first.kubectl.ok(`run fine --image=${busybox} -- sleep 1000`);
  await first.kubectl.ok("wait --for=condition=Ready pod/fine --timeout=30s");
  assertMatch(await first.chartroom("explain", "pod", "fine"), /Waits for:.*Would move on:/s);
  await first.kubectl.ok(`run crashing --image=${busybox} -- false`);
  await first.kubectl.ok(
    "wait --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff pod/crashing --timeout=30s",
  );
  const said = await first.chartroom("explain", "pod", "crashing");
  assertMatch(said, /crashing/);
  await first.kubectl.ok(`run nowhere --image=${busybox} --overrides={"spec":{"nodeSelector":{"moon":"full"}}}`);
  assertMatch(await first.chartroom("explain", "pod", "nowhere"), /nowhere/);
  const { code, said: missing } = await chartroom(
    "explain",
    "pod",
    "absent",
    "--name",
    first.name,
    "--state",
    first.state,
  );
  assert(code !== 0);
  assertMatch(missing, /absent/);
});

test("without a Docker engine up says what is missing, and simulates when it is asked to", async () => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
  const flags = ["--name", "test-nodocker", "--state", `${directory}/state`];
  const root = new URL("../../", import.meta.url).pathname;
  // In a mount namespace of its own nothing answers at the socket, and there is no dockerd to start.
  const hidden = `mount --bind /dev/null "$(readlink -f /var/run/docker.sock)"
    mount --bind /dev/null "$(command -v dockerd)"
    exec "$@"`;
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", hidden, "sh", `${root}chartroom`, ...args, ...flags],
      env: { NO_COLOR: "1", CHARTROOM_DENO: Deno.execPath() },
    }).output();
    return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  const { said: missing } = await run("up", "--detach");
  assertMatch(missing, /docker\.io.*--runtime simulated|NO CONTAINERS WILL RUN/s);
  await run("down");
  try {
    const { code, said } = await run("up", "--detach", "--runtime", "simulated", "--nodes", "2");
    assertEquals(code, 0, said);
    const kubectl = (await shared()).kubectl.with("--kubeconfig", `${directory}/state/kubeconfig`);
    await kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
    await kubectl.ok("create deployment web --image=anything:1 --replicas=3");
    await kubectl.ok("rollout status deploy/web --timeout=30s");
    assertMatch(await kubectl.ok("get pods -o wide --no-headers"), /^(web-\S+\s+1\/1\s+Running.*\n?){3}$/);
  } finally {
    const { code, said } = await run("down", "--delete-state");
    await Deno.remove(directory, { recursive: true });
    assertEquals(code, 0, said);
  }
});
