/** Images from a real registry, Debian's `docker-registry`, that asks for a password. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { resources } from "../../ports/api_client.ts";
import { eventually } from "../support/eventually.ts";
import { buildBusybox, busybox } from "./images.ts";
import { Harness, isReady, sleeper } from "./kubelet_harness.ts";

const password = "secret";
/** bcrypt of it, of the least cost. */
const accounts = "puller:$2b$04$YfAkVHAn2osSjaH49L2oS.QMHRHMUZFVpRVSWwyd48MXHGsViwhy.\n";

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

class Registry {
  private constructor(readonly host: string, readonly directory: string, readonly server: Deno.ChildProcess) {}

  static async start(): Promise<Registry> {
    const directory = await Deno.makeTempDir({ prefix: "chartroom-registry-" });
    const host = `127.0.0.1:${freePort()}`;
    await Deno.writeTextFile(`${directory}/accounts`, accounts);
    const config = {
      version: 0.1,
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: `${directory}/images` } },
      http: { addr: host },
      auth: { htpasswd: { realm: "test", path: `${directory}/accounts` } },
    };
    await Deno.writeTextFile(`${directory}/config.yml`, JSON.stringify(config));
    const server = new Deno.Command("docker-registry", {
      args: ["serve", `${directory}/config.yml`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await eventually("the registry answers", async () => {
      const answer = await fetch(`http://${host}/v2/`);
      await answer.body?.cancel();
      assertEquals(answer.status, 401);
    });
    return new Registry(host, directory, server);
  }

  /** The test image under a name of this registry, there and nowhere else. */
  async offer(name: string): Promise<string> {
    const image = `${this.host}/${name}`;
    const settings = ["--config", `${this.directory}/client`];
    await run("docker", ...settings, "login", "-u", "puller", "-p", password, this.host);
    await run("docker", "tag", busybox, image);
    await run("docker", ...settings, "push", image);
    await run("docker", "rmi", image);
    return image;
  }

  dockerConfig(secret: string): string {
    const auth = btoa(`puller:${secret}`);
    return btoa(JSON.stringify({ auths: { [this.host]: { username: "puller", password: secret, auth } } }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.kill();
    await this.server.status;
    await run(
      "sh",
      "-c",
      `docker images --format '{{.Repository}}:{{.Tag}}' | grep ^${this.host}/ | xargs -r docker rmi`,
    );
    await Deno.remove(this.directory, { recursive: true });
  }
}

const pullSecret = (registry: Registry, name: string, secret: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  type: "kubernetes.io/dockerconfigjson",
  metadata: { name, namespace: "default" },
  data: { ".dockerconfigjson": registry.dockerConfig(secret) },
});

Deno.test("a kubelet pulls an image with the pod's pull secret, and says what it pulled", async () => {
  await buildBusybox();
  await using registry = await Registry.start();
  const image = await registry.offer("tools/busybox:7");
  await using harness = await Harness.start();
  await harness.api.create(resources.secrets, "default", pullSecret(registry, "registry", password));
  await harness.createPod("pulled", {
    imagePullSecrets: [{ name: "registry" }],
    containers: [{ ...sleeper("app"), image }],
  });
  const status = (await harness.until("pulled", isReady))!.status!.containerStatuses![0]!;
  assertEquals(status.image, image);
  assertStringIncludes(status.imageID, `docker-pullable://${registry.host}/tools/busybox@sha256:`);
  const events = await harness.events("pulled");
  assertEquals(events.map(({ reason }) => reason), ["Pulling", "Pulled", "Created", "Started"]);
  assertEquals(events[0]!.message, `Pulling image "${image}"`);
  assertStringIncludes(events[1]!.message ?? "", `Successfully pulled image "${image}" in `);
});

const refusals = [
  { why: "the password is wrong", name: "tools/busybox:8", secret: "guess", asked: "tools/busybox:8" },
  { why: "there is no such tag", name: "tools/busybox:9", secret: password, asked: "tools/busybox:absent" },
];
for (const { why, name, secret, asked } of refusals) {
  Deno.test(`a kubelet backs off and says so when ${why}, and goes on once that is mended`, async () => {
    await buildBusybox();
    await using registry = await Registry.start();
    await registry.offer(name);
    await using harness = await Harness.start();
    await harness.api.create(resources.secrets, "default", pullSecret(registry, "registry", secret));
    await harness.createPod("waits", {
      imagePullSecrets: [{ name: "registry" }],
      containers: [{ ...sleeper("app"), image: `${registry.host}/${asked}` }],
    });
    await harness.until(
      "waits",
      (pod) => pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === "ImagePullBackOff",
    );
    const reasons = (await harness.events("waits")).map(({ reason }) => reason);
    assertEquals(reasons.slice(0, 4), ["Pulling", "Failed", "Failed", "BackOff"]);
    if (secret !== password) {
      await harness.api.patch(
        resources.secrets,
        "default",
        "registry",
        "merge",
        { data: pullSecret(registry, "registry", password).data },
      );
    } else await registry.offer(asked);
    assertEquals((await harness.until("waits", isReady))!.status!.containerStatuses![0]!.restartCount, 0);
  });
}
