import { assert, assertEquals } from "@std/assert";
import { Hub } from "../../actors/inspection/inspection_hub.ts";
import { SystemSource } from "../../actors/inspection/system_source.ts";
import { tracedRuntime } from "../../actors/inspection/traced_runtime.ts";
import { startKubelet } from "../../actors/kubelet/kubelet.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { ActorSystem } from "../../actors/system.ts";
import { nodeUser } from "../../commands/control_plane.ts";
import { simulatedNode } from "../../commands/simulated_node.ts";
import type { ServerMessage, StepRecord } from "../../ports/inspection.ts";
import { startApiCluster } from "../support/api_cluster.ts";

const pod = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { containers: [{ name: "app", image: "registry.k8s.io/pause:3.10" }] },
});

Deno.test("the sequence of a pod goes from kubectl apply over API server, log, scheduler and kubelet to Docker and Ready", async () => {
  await using cluster = await startApiCluster();
  // A process of its own as far as correlation goes: nothing but the API is between the two.
  const nodeSystem = new ActorSystem({ clock: realClock });
  const world = simulatedNode(realClock, "10.0.0.0/24");
  const kubelet = await startKubelet({
    system: nodeSystem,
    clusterName: "test",
    nodeName: "worker-0",
    client: cluster.master.client(nodeUser("worker-0")),
    runtime: tracedRuntime(world.runtime, nodeSystem.steps),
    network: world.network!,
    files: world.files!,
    directory: "/node",
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
  });
  const hub = new Hub({ clock: realClock, cluster: "test", session: "s" });
  hub.add(new SystemSource({ system: cluster.system, name: "master-0" }));
  hub.add(new SystemSource({ system: nodeSystem, name: "worker-0" }));
  try {
    await cluster.kubectl.ok(["apply", "-f", "-"], { input: pod });
    await cluster.kubectl.ok(["wait", "--for=condition=Ready", "pod/web", "--timeout=60s"]);

    const steps = await stepsOf(hub, true);
    const told = steps.map(({ from, to, what }) => `${from} > ${to}: ${what}`);
    let at = -1;
    for (
      const wanted of [
        /^client > API server: (create|patch) pods$/,
        /^API server > log \(raft\): propose$/,
        /^log \(raft\) > API server: committed as revision \d+$/,
        /^scheduler > API server: create pods\/binding$/,
        /^log \(raft\) > API server: committed as revision \d+$/,
        /^kubelet > Docker: create sandbox$/,
        /^Docker > kubelet: create sandbox: done$/,
        /^kubelet > Docker: start container app$/,
        /^Docker > kubelet: container app started$/,
        /^kubelet > API server: \w+ pods\/status$/,
        /^log \(raft\) > API server: committed as revision \d+$/,
      ]
    ) {
      const next = told.findIndex((line, index) => index > at && wanted.test(line));
      assert(next > at, `${wanted} does not follow ${told[at] ?? "the beginning"} in:\n${told.join("\n")}`);
      at = next;
    }
    assertEquals(new Set(steps.map(({ process }) => process)), new Set(["master-0", "worker-0"]));
    const uid = await cluster.kubectl.ok(["get", "pod", "web", "-o", "jsonpath={.metadata.uid}"]);
    assertEquals(new Set(steps.map(({ trace }) => trace)), new Set([`object:${uid.trim()}`]));
    assertEquals(await stepsOf(hub, false), [], "who may not see the pod is told nothing of it");
  } finally {
    hub.stop();
    await kubelet.stop();
    nodeSystem.stopAll();
  }
});

async function stepsOf(hub: Hub, maySee: boolean): Promise<readonly StepRecord[]> {
  const { promise, resolve } = Promise.withResolvers<readonly StepRecord[]>();
  const connection = hub.connect({
    send(text) {
      const message = JSON.parse(text) as ServerMessage;
      if (message.type === "answer") resolve(message.steps ?? []);
    },
    unsentBytes: 0,
    maySee: () => maySee,
    maySend: false,
  });
  connection.receive(JSON.stringify({ type: "object", request: 1, kind: "pod", namespace: "default", name: "web" }));
  const steps = await promise;
  connection.close();
  return steps;
}
