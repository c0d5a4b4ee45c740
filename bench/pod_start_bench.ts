/**
 * From a pod's creation in the API until it is Ready, beside the floor: the same Docker and network calls one after the
 * other with nobody deciding anything. Both in one run, turn by turn: absolute figures vary from machine to machine.
 *
 *     deno run -A bench/pod_start_bench.ts [rounds]
 */
import { DockerRuntime } from "../actors/docker/docker_runtime.ts";
import { pauseImage } from "../actors/docker/pause_image.ts";
import { NftPacketFilter } from "../actors/nftables/nft_packet_filter.ts";
import { BridgePodNetwork } from "../actors/pod_network/bridge_pod_network.ts";
import { tearDownNetwork } from "../actors/pod_network/tear_down_network.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import type { PodNetwork } from "../ports/pod_network.ts";
import { busybox } from "../tests/docker/images.ts";
import { Harness, isGone, sleeper } from "../tests/docker/kubelet_harness.ts";

const rounds = Number(Deno.args[0] ?? 12);
const runtime = new DockerRuntime();

/** What has to be done for one pod, in the order in which one thing needs the other. */
async function floor(network: PodNetwork, round: number): Promise<number> {
  const labels = { "chartroom.bench": "floor" };
  const began = performance.now();
  const sandbox = await runtime.create({
    name: `bench-sandbox-${round}`,
    image: pauseImage,
    labels,
    network: "none",
    ipc: "shareable",
    security: { seccomp: "unconfined" },
  });
  await runtime.start(sandbox.id);
  const { pid } = (await runtime.inspect(sandbox.id))!;
  await network.attach({ id: sandbox.id, pid, podKey: "bench/floor" });
  const app = await runtime.create({
    name: `bench-app-${round}`,
    image: busybox,
    labels,
    entrypoint: ["sh", "-c", "while true; do sleep 1; done"],
    network: `container:${sandbox.id}`,
    ipc: `container:${sandbox.id}`,
    security: { seccomp: "unconfined" },
  });
  await runtime.start(app.id);
  const took = performance.now() - began;
  await network.detach(sandbox.id);
  await Promise.all([runtime.remove(app.id), runtime.remove(sandbox.id)]);
  return took;
}

async function pod(harness: Harness, round: number): Promise<number> {
  const name = `bench-${round}`;
  const began = performance.now();
  await harness.createPod(name, { containers: [sleeper("app")] });
  await harness.ready(name);
  const took = performance.now() - began;
  await harness.deletePod(name, 0.001);
  await harness.until(name, isGone);
  return took;
}

/** Pods begun at once, and how many that makes a second until the last one is there. */
const burst = 20;
const burstRounds = 3;

async function perSecond(start: (index: number) => Promise<number>): Promise<number> {
  const took = await Promise.all(Array.from({ length: burst }, (_, index) => start(index)));
  return burst * 1000 / Math.max(...took);
}

const median = (of: number[]) => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)]!;

const plan = addressPlan(38);
const packetFilter = new NftPacketFilter();
await tearDownNetwork(plan, packetFilter);
try {
  const network = new BridgePodNetwork({ plan, node: 0, packetFilter });
  await network.setUp();
  await using harness = await Harness.start(network);
  await pod(harness, -1); // Everything is loaded and compiled once.
  await floor(network, -1);
  const floors: number[] = [];
  const pods: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(await floor(network, round));
    pods.push(await pod(harness, round));
  }
  const ratio = median(pods) / median(floors);
  console.log(`floor        ${median(floors).toFixed(0)} ms   (${floors.map((each) => each.toFixed(0)).join(" ")})`);
  console.log(`pod to Ready ${median(pods).toFixed(0)} ms   (${pods.map((each) => each.toFixed(0)).join(" ")})`);
  console.log(`ratio        ${ratio.toFixed(2)}   (goal: at most 1.15)`);
  const [raw, run] = [[] as number[], [] as number[]];
  for (let round = 0; round < burstRounds; round++) {
    raw.push(await perSecond((index) => floor(network, 1000 + round * burst + index)));
    run.push(await perSecond((index) => pod(harness, 1000 + round * burst + index)));
  }
  const share = median(run) / median(raw);
  console.log(
    `burst of ${burst}: raw ${median(raw).toFixed(1)} pods/s, pods to Ready ${median(run).toFixed(1)} pods/s`,
  );
  console.log(`share        ${share.toFixed(2)}   (goal: at least 0.9)`);
} finally {
  await tearDownNetwork(plan, packetFilter);
}
