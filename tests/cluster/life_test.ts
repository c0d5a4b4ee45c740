/** What people fear: updates under load, containers and processes that are killed, what is left when all has gone. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { buildBusybox, busybox } from "../docker/images.ts";
import { TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { httpGet } from "../support/http_get.ts";
import { type Client, clientsMissing } from "../support/kubectl.ts";
import { leftBehind } from "../support/left_behind.ts";

const ignore = clientsMissing("kubectl");

/** Two nodes and the example application. */
async function clusterWithApp(...flags: string[]): Promise<TestCluster> {
  await buildBusybox();
  const cluster = await TestCluster.start({ flags });
  try {
    await cluster.kubectl.ok("wait --for=create serviceaccount/default --timeout=20s");
    const example = await Deno.readTextFile(new URL("../../examples/app/app.yaml", import.meta.url));
    await cluster.kubectl.ok("apply -f -", { input: example.replaceAll("busybox:1.37", busybox) });
    await cluster.kubectl.ok("rollout status deploy/web --timeout=60s");
  } catch (error) {
    console.error(`-- chartroom.log\n${(await cluster.log()).slice(-4_000)}`);
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

let current: TestCluster | undefined;
Deno.test.afterAll(async () => await current?.[Symbol.asyncDispose]());

/** The cluster that most tests share, the application ready; a new one where a test has broken the last. */
async function shared(): Promise<TestCluster> {
  if (current !== undefined) {
    const { code } = await current.kubectl.run(["rollout", "status", "deploy/web", "--timeout=30s"]);
    if (code === 0) return current;
    await current[Symbol.asyncDispose]();
  }
  return current = await clusterWithApp();
}

interface Addresses {
  readonly cluster: string;
  readonly balancer: string;
  readonly nodes: readonly string[];
  readonly nodePort: number;
}

async function addresses(kubectl: Client): Promise<Addresses> {
  await kubectl.ok(["wait", "--for=jsonpath={.status.loadBalancer.ingress[0].ip}", "svc/web-public", "--timeout=20s"]);
  const read = (what: string, path: string) => kubectl.ok(["get", ...what.split(" "), "-o", `jsonpath={${path}}`]);
  return {
    cluster: await read("svc web", ".spec.clusterIP"),
    balancer: await read("svc web-public", ".status.loadBalancer.ingress[0].ip"),
    nodes: (await read("nodes", '.items[*].status.addresses[?(@.type=="InternalIP")].address')).split(" "),
    nodePort: Number(await read("svc web-public", ".spec.ports[0].nodePort")),
  };
}

/** Requests without a pause, on every way in, until `during` has ended. */
async function underLoad(to: Addresses, during: () => Promise<void>): Promise<{ answered: number; failed: string[] }> {
  let going = true;
  let answered = 0;
  // Each way of failing once: there may be thousands.
  const failed = new Set<string>();
  const ways: [string, number][] = [
    [to.cluster, 80],
    [to.balancer, 80],
    ...to.nodes.map((node): [string, number] => [node, to.nodePort]),
  ];
  const asking = ways.map(async ([host, port]) => {
    while (going) {
      try {
        assertMatch(await httpGet(host, port), / on worker-/);
        answered++;
      } catch (error) {
        failed.add(`${host}:${port} ${error}`);
      }
    }
  });
  try {
    await during();
  } finally {
    going = false;
    await Promise.all(asking);
  }
  return { answered, failed: [...failed].sort() };
}

interface ContainerStates {
  [name: string]: { id: string; restarts: number };
}

/** Every container of every pod, as the API tells of them. */
async function containers(kubectl: Client): Promise<ContainerStates> {
  const { items } = await kubectl.json<{
    items: {
      metadata: { name: string };
      status: { containerStatuses: { containerID: string; restartCount: number }[] };
    }[];
  }>("get pods -A");
  return Object.fromEntries(items.map(({ metadata, status }) => {
    const [first] = status.containerStatuses;
    return [metadata.name, { id: first!.containerID, restarts: first!.restartCount }];
  }));
}

/** What Docker runs of the cluster's: id, and since when. */
async function dockerContainers({ name }: TestCluster): Promise<string[]> {
  const filter = `label=chartroom.cluster=${name}`;
  const { stdout } = await new Deno.Command("docker", {
    args: ["ps", "--no-trunc", "--filter", filter, "--format", "{{.ID}} {{.Names}} {{.CreatedAt}}"],
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").sort();
}

/** Names and uids of all objects but those that come and go by themselves. */
async function objects(kubectl: Client): Promise<string[]> {
  const kinds =
    "namespaces,nodes,deployments,replicasets,pods,services,configmaps,secrets,serviceaccounts,clusterroles";
  const { items } = await kubectl.json<{ items: { kind: string; metadata: { name: string; uid: string } }[] }>(
    `get ${kinds} -A`,
  );
  return items.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.uid}`).sort();
}

/** Those that were asked to end have drained and gone. */
async function onlyThree(kubectl: Client): Promise<void> {
  await eventually("only three pods are left", async () => {
    assertEquals((await kubectl.ok("get pods -l app=web -o name")).split("\n").length, 3);
  });
}

async function indexOf(cluster: TestCluster): Promise<number> {
  return JSON.parse(await Deno.readTextFile(`${cluster.state}/cluster.json`)).index;
}

async function docker(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("docker", { args }).output();
  if (!success) throw new Error(`Cannot run docker ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

test("a rolling update under constant load fails no request", async () => {
  const cluster = await shared();
  const { kubectl } = cluster;
  const { answered, failed } = await underLoad(await addresses(kubectl), async () => {
    await kubectl.ok("set env deploy/web VERSION=2");
    await kubectl.ok("rollout status deploy/web --timeout=90s");
    await kubectl.ok("rollout undo deploy/web");
    await kubectl.ok("rollout status deploy/web --timeout=90s");
    // Those that were replaced drain and go.
    await onlyThree(kubectl);
  });
  assertEquals(failed, []);
  assert(answered > 100, `only ${answered} requests were answered`);
});

test("a killed container is back, and a killed sandbox means a new one", async () => {
  const cluster = await shared();
  const { kubectl } = cluster;
  const before = await containers(kubectl);
  const [victim, ...others] = Object.keys(before);
  await docker("kill", before[victim!]!.id.replace("docker://", ""));
  await kubectl.ok([
    "wait",
    "--for=jsonpath={.status.containerStatuses[0].restartCount}=1",
    `pod/${victim}`,
    "--timeout=30s",
  ]);
  await kubectl.ok(["wait", "--for=condition=Ready", `pod/${victim}`, "--timeout=30s"]);
  const after = await containers(kubectl);
  assert(after[victim!]!.id !== before[victim!]!.id);
  for (const name of others) assertEquals(after[name], before[name]);
  const sandbox = (await dockerContainers(cluster)).find((line) => line.includes(`k8s_POD_${victim}_`))!.split(" ")[0]!;
  const address = await kubectl.ok(`get pod ${victim} -o jsonpath={.status.podIP}`);
  await docker("kill", sandbox);
  await eventually("the pod runs in a new sandbox", async () => {
    const line = (await dockerContainers(cluster)).find((each) => each.includes(`k8s_POD_${victim}_`));
    assert(line !== undefined && !line.startsWith(sandbox));
  });
  await kubectl.ok(["wait", "--for=condition=Ready", `pod/${victim}`, "--timeout=30s"]);
  assertMatch(await kubectl.ok(`get pod ${victim} -o jsonpath={.status.podIP}`), /^10\./);
  assertMatch(await httpGet(await kubectl.ok(`get pod ${victim} -o jsonpath={.status.podIP}`), 8080), /^web-/, address);
});

test("kill -9 of everything and up again finds all objects and containers as they were", async () => {
  const cluster = await shared();
  const { kubectl } = cluster;
  const to = await addresses(kubectl);
  const before = {
    objects: await objects(kubectl),
    pods: await containers(kubectl),
    docker: await dockerContainers(cluster),
  };
  const { failed, answered } = await underLoad(to, async () => {
    await cluster.kill();
    assertStringIncludes((await kubectl.run(["get", "pods"])).error, "refused");
    await cluster.up();
    await kubectl.ok("wait --for=condition=Ready pod --all --timeout=20s");
  });
  // The kernel's rules outlive us: while nobody was there, every request was answered.
  assertEquals(failed, []);
  assert(answered > 20);
  const after = {
    objects: await objects(kubectl),
    pods: await containers(kubectl),
    docker: await dockerContainers(cluster),
  };
  assertEquals(after, before);
  // And it goes on from there.
  await kubectl.ok("scale deploy web --replicas=4");
  await kubectl.ok("rollout status deploy/web --timeout=60s");
  const grown = await containers(kubectl);
  for (const [name, state] of Object.entries(before.pods)) assertEquals(grown[name], state);
  await kubectl.ok("scale deploy web --replicas=3");
  await onlyThree(kubectl);
});

test("an ordered stop and up again leaves pods running", async () => {
  const cluster = await shared();
  const { kubectl } = cluster;
  const before = await dockerContainers(cluster);
  const { pid } = await cluster.running();
  Deno.kill(pid, "SIGTERM");
  await eventually("the processes have ended", async () => assertEquals(await cluster.processes(), []));
  assertEquals(await dockerContainers(cluster), before);
  await cluster.up();
  await kubectl.ok("wait --for=condition=Ready pod --all --timeout=20s");
  assertEquals(await dockerContainers(cluster), before);
});

test("a killed kubelet leaves its pods untouched, in processes of their own", async () => {
  await using cluster = await clusterWithApp("--split");
  const { kubectl } = cluster;
  const before = { pods: await containers(kubectl), docker: await dockerContainers(cluster) };
  const processes = await cluster.processes();
  assert(processes.length >= 3, `only ${processes.length} processes`);
  const nodes: number[] = [];
  for (const pid of processes) {
    const line = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    if (/--role\0node\0/.test(line)) nodes.push(pid);
  }
  assertEquals(nodes.length, 2);
  for (const pid of nodes) Deno.kill(pid, "SIGKILL");
  await eventually("both are started again", async () => {
    assertEquals((await cluster.processes()).length, processes.length);
    // Through the kubelet: it answers again.
    for (const name of Object.keys(before.pods)) assertEquals(await kubectl.ok(`exec ${name} -- echo up`), "up");
  });
  await kubectl.ok("wait --for=condition=Ready pod --all --timeout=20s");
  assertEquals({ pods: await containers(kubectl), docker: await dockerContainers(cluster) }, before);
});

test("down with pods running removes everything, and up brings the same objects back", async () => {
  const cluster = await shared();
  const { kubectl } = cluster;
  const index = await indexOf(cluster);
  const before = await objects(kubectl);
  await cluster.chartroom("down");
  assertEquals(await leftBehind(cluster, index), {});
  await cluster.up();
  await kubectl.ok("rollout status deploy/web --timeout=60s");
  await kubectl.ok("wait --for=condition=Ready pod --all --timeout=40s");
  assertEquals(await objects(kubectl), before);
  assertMatch(await httpGet((await addresses(kubectl)).balancer, 80), /^web-/);
});

test("two clusters live side by side, and the end of one is nothing to the other", async () => {
  const first = await shared();
  const kept = { docker: await dockerContainers(first), left: await leftBehind(first, await indexOf(first)) };
  {
    await using second = await clusterWithApp();
    assert(await indexOf(first) !== await indexOf(second));
    const [one, two] = [await addresses(first.kubectl), await addresses(second.kubectl)];
    assert(one.cluster !== two.cluster && one.balancer !== two.balancer);
    for (const { kubectl } of [first, second]) {
      const expected = (await kubectl.ok("get pods -l app=web -o name")).split("\n");
      const seen = await httpGet((await addresses(kubectl)).balancer, 80);
      assert(expected.includes(`pod/${seen.split(" ")[0]}`), `${seen} is none of ${expected}`);
    }
    await second.kubectl.ok("delete deploy web");
    assertMatch(await first.kubectl.ok("get deploy web --no-headers"), /^web\s+3\/3/);
  }
  assertEquals({ docker: await dockerContainers(first), left: await leftBehind(first, await indexOf(first)) }, kept);
  assertMatch(await httpGet((await addresses(first.kubectl)).balancer, 80), /^web-/);
});

test("after delete and down nothing is left but the state directory, and that starts again", async () => {
  const cluster = await shared();
  const { kubectl } = cluster;
  const index = await indexOf(cluster);
  assertEquals(Object.keys(await leftBehind(cluster, index)).length > 5, true);
  await kubectl.ok("delete deploy,svc,cm,secret web --timeout=60s");
  await kubectl.ok("delete svc web-public");
  await kubectl.ok("wait --for=delete pod --all --timeout=30s");
  const kept = (await leftBehind(cluster, index))["containers"] ?? [];
  assertEquals(kept, []);
  await cluster.chartroom("down");
  assertEquals(await leftBehind(cluster, index), {});
  const names = [...Deno.readDirSync(cluster.directory)].map(({ name }) => name).sort();
  assertEquals(names, ["home", "state"]);
  await cluster.up();
  await kubectl.ok("wait --for=condition=Ready node --all --timeout=20s");
  await cluster.chartroom("down", "--delete-state");
  assertEquals(await leftBehind(cluster, index), {});
});
