import { assertEquals } from "@std/assert";
import { networkTest, run, TestHost } from "./harness.ts";

const image = "chartroom-test-busybox";
const hasDocker = await run("docker", ["version", "--format", "{{.Server.Version}}"]).then(() => true, () => false);
if (!hasDocker) console.log("The tests beside Docker are left out: no dockerd answers");

/** A busybox image without a registry; made once. */
async function ensureImage(): Promise<void> {
  const there = await run("docker", ["image", "inspect", image]).then(() => true, () => false);
  if (there) return;
  const script = `tar -C / --transform 's,usr/bin/busybox,bin/busybox,' -c usr/bin/busybox | docker import - ${image}`;
  await run("sh", ["-c", script]);
}

class Containers implements AsyncDisposable {
  readonly #ids: string[] = [];
  readonly #networks: string[] = [];

  async start(network: string, ...command: string[]): Promise<{ id: string; pid: number; address: string }> {
    const id = (await run("docker", ["create", "--network", network, image, "/bin/busybox", ...command])).trim();
    this.#ids.push(id);
    await run("docker", ["start", id]);
    const format = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const [pid = "", address = ""] = (await run("docker", ["inspect", "-f", format, id])).trim().split(" ");
    return { id, pid: Number(pid), address };
  }

  /** What is heard on a connection from inside the container. */
  async dial(id: string, address: string, port: number): Promise<string> {
    const script = `/bin/busybox nc -w 2 ${address} ${port} < /dev/null`;
    return (await run("docker", ["exec", id, "/bin/busybox", "sh", "-c", script])).trim();
  }

  /** A bridge network that Docker makes and looks after. */
  async createNetwork(name: string): Promise<string> {
    await run("docker", ["network", "rm", name]).catch(() => {}); // Left behind by a test that was killed.
    await run("docker", ["network", "create", name]);
    this.#networks.push(name);
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#ids) await run("docker", ["rm", "-f", id]);
    for (const name of this.#networks) await run("docker", ["network", "rm", name]);
  }
}

function dockerTest(
  name: string,
  index: number,
  body: (host: TestHost, containers: Containers) => Promise<void>,
): void {
  if (!hasDocker) return;
  networkTest(name, index, async (host) => {
    await ensureImage();
    await using containers = new Containers();
    await body(host, containers);
  });
}

dockerTest("a Docker container without a network is wired as a sandbox is", 34, async (host, containers) => {
  const network = await host.addNode();
  const other = await host.addPod("other");
  const sandbox = await containers.start("none", "nc", "-ll", "-p", "80", "-e", "/bin/busybox", "echo", "sandbox");
  const { podIP } = await network.attach({ id: sandbox.id, pid: sandbox.pid, podKey: "default/sandbox" });
  assertEquals(await other.dial(podIP, 80), "sandbox");
  assertEquals([...(await network.list()).keys()].sort(), [sandbox.id, "other"].sort());
  await network.detach(sandbox.id);
});

dockerTest("pods and containers on a bridge of Docker's reach each other", 34, async (host, containers) => {
  await host.addNode();
  const pod = await host.addPod("pod");
  await pod.serve(80);
  const bridge = await containers.createNetwork("chartroom-test-34");
  const container = await containers.start(
    bridge,
    "nc",
    "-ll",
    "-p",
    "80",
    "-e",
    "/bin/busybox",
    "echo",
    "container",
  );
  assertEquals(await pod.dial(container.address, 80), "container");
  assertEquals(await containers.dial(container.id, pod.podIP, 80), "pod");
});
