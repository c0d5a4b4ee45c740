/** Simulated nodes beside a real one, as people start and use them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { busybox } from "../docker/images.ts";
import { chartroom } from "../support/cluster.ts";
import { clusterSuite } from "../support/cluster_suite.ts";

const directory = await Deno.makeTempDir({ prefix: "chartroom-behaviours-" });
const file = `${directory}/behaviours.yaml`;
await Deno.writeTextFile(file, "behaviours: [{ match: { container: talker }, log: hello from nowhere }]\n");
Deno.test.afterAll(() => Deno.remove(directory, { recursive: true }));

const test = clusterSuite("simulated", { nodes: 1, flags: ["--simulated-nodes", "20", "--behaviours", file] });

function pod(name: string, spec: Record<string, unknown>): string {
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
}

const simulated = {
  nodeSelector: { "chartroom.dev/simulated": "true" },
  tolerations: [{ key: "chartroom.dev/simulated", operator: "Exists" }],
};

test("simulated nodes take what tolerates them, and leave what is to run to the real node", async ({ kubectl, cluster }) => {
  const nodes = await kubectl.ok("get nodes -o name");
  assertEquals(nodes.trim().split("\n").length, 21);
  const command = ["sh", "-c", "echo hello from docker; sleep 1000"];
  await kubectl.ok("apply -f -", { input: pod("real", { containers: [{ name: "c", image: busybox, command }] }) });
  await kubectl.ok("apply -f -", {
    input: pod("feigned", { ...simulated, containers: [{ name: "talker", image: "none:1" }] }),
  });
  await kubectl.ok("apply -f -", {
    input: pod("mute", { ...simulated, containers: [{ name: "c", image: "none:1" }] }),
  });
  await kubectl.ok("wait --for=condition=Ready pod --all --timeout=30s");
  assertEquals(await kubectl.ok("get pod real -o jsonpath={.spec.nodeName}"), "worker-0");
  assert((await kubectl.ok("get pod feigned -o jsonpath={.spec.nodeName}")).startsWith("simulated-"));
  assertEquals((await kubectl.ok("logs real")).trim(), "hello from docker");
  assertEquals((await kubectl.ok("logs feigned")).trim(), "hello from nowhere");
  assertStringIncludes(await kubectl.ok("logs mute"), "Nothing runs in this container");
  assertStringIncludes(await cluster.chartroom("status"), "20 simulated, 20 of them Ready");
  assertStringIncludes(await cluster.chartroom("explain", "pod", "mute", "-n", "simulated-1"), "active.running");
});

Deno.test("up names the field of a behaviour that it cannot read", async () => {
  const wrong = `${directory}/wrong.yaml`;
  await Deno.writeTextFile(wrong, "behaviours: [{ exit: { after: soon } }]\n");
  const flags = ["--name", "test-wrong", "--state", `${directory}/state`];
  const { code, said } = await chartroom("up", "--simulated-nodes", "1", "--behaviours", wrong, ...flags);
  assertEquals(code, 1);
  assertStringIncludes(
    said,
    `Cannot read the behaviours in "${wrong}": behaviours[0].exit.after: "soon" is no duration`,
  );
});
