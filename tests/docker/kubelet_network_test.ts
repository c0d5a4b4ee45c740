import { assertEquals, assertStringIncludes } from "@std/assert";
import { NftPacketFilter } from "../../actors/nftables/nft_packet_filter.ts";
import { BridgePodNetwork } from "../../actors/pod_network/bridge_pod_network.ts";
import { tearDownNetwork } from "../../actors/pod_network/tear_down_network.ts";
import { addressPlan } from "../../machines/network/address_plan.ts";
import { busybox } from "./images.ts";
import { Harness, isGone, isReady } from "./kubelet_harness.ts";

Deno.test("a kubelet probes pods on their own network and forwards ports to their loopback", async () => {
  const plan = addressPlan(37); // Indices from 30 on are the tests' own.
  const packetFilter = new NftPacketFilter();
  await tearDownNetwork(plan, packetFilter);
  try {
    const network = new BridgePodNetwork({ plan, node: 0, packetFilter });
    await network.setUp();
    await using harness = await Harness.start(network);
    const serve =
      "mkdir /www; echo found > /www/index.html; httpd -p 127.0.0.1:8081 -h /www; exec httpd -f -p 8080 -h /www";
    await harness.createPod("server", {
      containers: [{
        name: "app",
        image: busybox,
        command: ["sh", "-c", serve],
        ports: [{ name: "http", containerPort: 8080 }],
        startupProbe: { httpGet: { path: "/index.html", port: "http" }, periodSeconds: 1, failureThreshold: 30 },
        readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        livenessProbe: {
          httpGet: { path: "/absent", port: 8080 },
          periodSeconds: 1,
          initialDelaySeconds: 1,
          failureThreshold: 1,
        },
        lifecycle: { postStart: { exec: { command: ["true"] } } },
      }],
    });
    const pod = (await harness.until("server", isReady))!;
    assertEquals((await network.list()).size, 1);
    const stream = await harness.kubelet!.streams.portForward({ namespace: "default", pod: "server" }, 8081);
    const writer = stream.writable.getWriter();
    await writer.write(new TextEncoder().encode("GET /index.html HTTP/1.0\r\n\r\n"));
    let said = "";
    const decoder = new TextDecoder();
    for await (const bytes of stream.readable) said += decoder.decode(bytes);
    assertStringIncludes(said, "200 OK");
    assertStringIncludes(said, "found");
    stream.close();
    await writer.close().catch(() => {});
    assertEquals(pod.status?.podIP, [...(await network.list()).values()][0]?.podIP);
    const restarted = await harness.until(
      "server",
      (each) => (each?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0,
    );
    assertEquals(restarted?.status?.phase, "Running");
    const messages = (await harness.events("server")).map(({ message }) => message);
    assertEquals(messages.includes("Liveness probe failed: HTTP probe failed with statuscode: 404"), true);
    await harness.deletePod("server");
    await harness.until("server", isGone);
    assertEquals((await network.list()).size, 0);
    assertEquals(harness.faults, []);
  } finally {
    await tearDownNetwork(plan, packetFilter);
  }
});
