import { assert, assertEquals } from "@std/assert";
import { tearDownNetwork } from "../../actors/pod_network/tear_down_network.ts";
import { resources } from "../../machines/objects/resources.ts";
import { dial, hostState, networkTest, run, TestHost } from "./harness.ts";
import { ip, Proxied } from "./proxied.ts";

networkTest("a service is reached by pods, by its own pod, by the host and from the other node", 31, async (host) => {
  await host.addNode();
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b", 1)];
  await a.serve(8080);
  const world = new Proxied(host);
  world.put("web", { clusterIP: ip(host, 20), ports: [{ port: 80 }] }, [a.podIP], {}, { port: 8080 });
  await world.settle();
  assertEquals(await b.dial(ip(host, 20), 80), "a");
  assertEquals(await a.dial(ip(host, 20), 80), "a"); // Itself, through its service.
  assertEquals(await dial(ip(host, 20), 80), "a");
});

networkTest("a service spreads connections over its endpoints, also those of its own pod", 31, async (host) => {
  await host.addNode();
  const pods = [await host.addPod("a"), await host.addPod("b"), await host.addPod("c")];
  for (const pod of pods) await pod.serve(80);
  const world = new Proxied(host);
  world.put("web", { clusterIP: ip(host, 20), ports: [{ port: 80 }] }, pods.map(({ podIP }) => podIP));
  await world.settle();
  const heard = new Set<string>();
  for (let attempt = 0; attempt < 60 && heard.size < 3; attempt++) heard.add(await pods[0]!.dial(ip(host, 20), 80));
  assertEquals([...heard].sort(), ["a", "b", "c"]);
});

networkTest("node ports are answered on each node's address and on localhost", 31, async (host) => {
  await host.addNode();
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b", 1)];
  await a.serve(80);
  const world = new Proxied(host);
  const spec = { type: "NodePort", clusterIP: ip(host, 20), ports: [{ port: 80, nodePort: 31_080 }] };
  world.put("web", spec, [a.podIP]);
  await world.settle();
  const nodes = host.networks.map(({ nodePlan }) => nodePlan.address);
  assertEquals(await Promise.all([...nodes, "127.0.0.1"].map((address) => dial(address, 31_080))), ["a", "a", "a"]);
  assertEquals(await Promise.all(nodes.map((address) => b.dial(address, 31_080))), ["a", "a"]);
  assertEquals(await a.dial(nodes[0]!, 31_080), "a");
});

networkTest("under a Local policy outsiders' ports lead to the node's own endpoints", 31, async (host) => {
  await host.addNode();
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b", 1)];
  await a.serve(80);
  const world = new Proxied(host);
  const policies = { externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" };
  const spec = { type: "NodePort", clusterIP: ip(host, 20), ports: [{ port: 80, nodePort: 31_080 }], ...policies };
  world.put("web", spec, [a.podIP]);
  await world.settle();
  assertEquals(await a.dial(ip(host, 20), 80), "a");
  assertEquals(await b.dial(ip(host, 20), 80), "silent");
  assertEquals(await b.dial(host.networks[1]!.nodePlan.address, 31_080), "a"); // Pods are inside.
});

networkTest("a load-balancer address leads to the service, for those who may use it", 31, async (host) => {
  const node = await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b")];
  await a.serve(80);
  const world = new Proxied(host);
  const [open, closed] = [192, 193].map((third) => `10.${161 + 2 * host.plan.index}.${third}.1`);
  await run("ip", ["address", "add", `${open}/32`, "dev", node.nodePlan.bridge]);
  const spec = { type: "LoadBalancer", ports: [{ port: 80 }] };
  world.put("open", { ...spec, clusterIP: ip(host, 20) }, [a.podIP], { loadBalancer: { ingress: [{ ip: open }] } });
  const ranges = { loadBalancerSourceRanges: [`${a.podIP}/32`] };
  const status = { loadBalancer: { ingress: [{ ip: closed, ipMode: "VIP" }] } };
  world.put("closed", { ...spec, ...ranges, clusterIP: ip(host, 21) }, [a.podIP], status);
  await world.settle();
  assertEquals(await Promise.all([dial(open!, 80), b.dial(open!, 80)]), ["a", "a"]);
  assertEquals(await Promise.all([a.dial(closed!, 80), b.dial(closed!, 80)]), ["a", "silent"]);
});

networkTest("a service without endpoints is refused at once, as is an address no service has", 31, async (host) => {
  await host.addNode();
  const a = await host.addPod("a");
  const world = new Proxied(host);
  world.put("web", { type: "NodePort", clusterIP: ip(host, 20), ports: [{ port: 80, nodePort: 31_080 }] }, []);
  await world.settle();
  const node = host.networks[0]!.nodePlan.address;
  const asked = [[ip(host, 20), 80], [ip(host, 20), 81], [ip(host, 99), 80], [node, 31_080]] as const;
  for (const [address, port] of asked) {
    assertEquals(
      [await a.dial(address, port), await dial(address, port)],
      ["refused", "refused"],
      `${address}:${port}`,
    );
  }
});

networkTest("clients with affinity stay with their endpoint", 31, async (host) => {
  await host.addNode();
  const pods = [await host.addPod("a"), await host.addPod("b"), await host.addPod("c")];
  for (const pod of pods) await pod.serve(80);
  const world = new Proxied(host);
  const spec = { clusterIP: ip(host, 20), ports: [{ port: 80 }], sessionAffinity: "ClientIP" };
  world.put("web", spec, pods.map(({ podIP }) => podIP));
  await world.settle();
  const first = await pods[0]!.dial(ip(host, 20), 80);
  for (let attempt = 0; attempt < 8; attempt++) assertEquals(await pods[0]!.dial(ip(host, 20), 80), first);
});

networkTest("host ports lead to the pod, on the node's address and on localhost", 31, async (host) => {
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b")];
  await a.serve(80);
  const world = new Proxied(host);
  world.proxy.publishHostPorts("default/a", "worker-0", [
    { protocol: "TCP", hostPort: 31_081, podIP: a.podIP, containerPort: 80 },
  ]);
  await world.settle();
  const { address } = host.networks[0]!.nodePlan;
  assertEquals(
    await Promise.all([
      dial(address, 31_081),
      dial("127.0.0.1", 31_081),
      b.dial(address, 31_081),
      a.dial(address, 31_081),
    ]),
    ["a", "a", "a", "a"],
  );
});

networkTest("rules outlive the proxy, a new one takes over, and removal leaves nothing", 31, async (host) => {
  const before = await hostState();
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b")];
  for (const pod of [a, b]) await pod.serve(80);
  const spec = { clusterIP: ip(host, 20), ports: [{ port: 80 }] };
  const first = new Proxied(host);
  first.put("web", spec, [a.podIP]);
  await first.settle();
  first.proxy.stop(); // As if it was killed: nobody cleans up.
  assertEquals(await b.dial(ip(host, 20), 80), "a");
  const second = new Proxied(host);
  second.put("web", spec, [b.podIP]);
  second.put("more", { ...spec, clusterIP: ip(host, 21) }, [a.podIP]);
  await second.settle();
  assertEquals([await a.dial(ip(host, 20), 80), await b.dial(ip(host, 21), 80)], ["b", "a"]);
  second.client.remove(resources.services, "default/more");
  await second.settle();
  assertEquals(await b.dial(ip(host, 21), 80), "refused");
  await second.finish(second.proxy.remove());
  assert(!(await host.packetFilter.tables()).includes(host.plan.servicesTable));
  await tearDownNetwork(host.plan, host.packetFilter);
  assertEquals(await hostState(), before);
});

networkTest("two clusters on one host do not touch each other", 31, async (host) => {
  await using other = new TestHost(32);
  await host.addNode();
  await other.addNode();
  const [a, b] = [await host.addPod("a"), await other.addPod("b")];
  for (const pod of [a, b]) await pod.serve(80);
  const [one, two] = [new Proxied(host), new Proxied(other)];
  one.put("web", { clusterIP: ip(host, 20), ports: [{ port: 80 }] }, [a.podIP]);
  two.put("web", { clusterIP: ip(other, 20), ports: [{ port: 80 }] }, [b.podIP]);
  await Promise.all([one.settle(), two.settle()]);
  assertEquals([await a.dial(ip(host, 20), 80), await b.dial(ip(other, 20), 80)], ["a", "b"]);
  await one.finish(one.proxy.remove());
  await tearDownNetwork(host.plan, host.packetFilter);
  assertEquals([await b.dial(ip(other, 20), 80), await dial(ip(other, 20), 80)], ["b", "b"]);
});

networkTest("rules outlive a process that is killed, and the next one takes them over", 31, async (host) => {
  await host.addNode();
  const [a, b] = [await host.addPod("a"), await host.addPod("b")];
  for (const pod of [a, b]) await pod.serve(80);
  const script = new URL("proxy_process.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", script, String(host.plan.index), a.podIP];
  const process = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  process.kill("SIGKILL");
  await reader.cancel();
  await process.status;
  assertEquals(new TextDecoder().decode(value), "settled\n");
  assertEquals(await b.dial(ip(host, 20), 80), "a");
  const successor = new Proxied(host);
  successor.put("web", { clusterIP: ip(host, 20), ports: [{ port: 80 }] }, [b.podIP]);
  await successor.settle();
  assertEquals(await a.dial(ip(host, 20), 80), "b");
});
