import { assertEquals } from "@std/assert";
import { DockerRuntime } from "../../actors/docker/docker_runtime.ts";
import { pauseArchive, pauseImage } from "../../actors/docker/pause_image.ts";
import { containerRuntimeContract } from "../contracts/container_runtime_contract.ts";
import { buildBusybox } from "./images.ts";

const shell = (script: string) => ({ entrypoint: ["sh", "-c", script] });

containerRuntimeContract("DockerRuntime", async () => ({
  runtime: new DockerRuntime(),
  image: await buildBusybox(),
  programs: {
    runs: shell("trap 'exit 0' TERM; while true; do sleep 0.1; done"),
    ignoresStop: shell("trap '' TERM; while true; do sleep 0.1; done"),
    talks: shell("echo out; echo err >&2; exit 3"),
    cannotStart: { entrypoint: ["/absent"] },
  },
  echo: ["sh", "-c", "cat; exit 7"],
}));

Deno.test("DockerRuntime runs the pause image that is assembled here; it ends at once when it is stopped", async () => {
  const runtime = new DockerRuntime();
  const { architecture } = await runtime.version();
  await runtime.loadImage(pauseArchive(architecture));
  assertEquals((await runtime.inspectImage(pauseImage))?.stopSignal, "SIGKILL");
  const name = `pause-${crypto.randomUUID().slice(0, 8)}`;
  const { id } = await runtime.create({ name, image: pauseImage, labels: {}, network: "none", ipc: "shareable" });
  try {
    await runtime.start(id);
    assertEquals((await runtime.inspect(id))?.state, "running");
    await runtime.stop(id, 30);
    assertEquals((await runtime.inspect(id))?.exitCode, 137);
  } finally {
    await runtime.remove(id);
  }
});

for (const architecture of ["amd64", "arm64"]) {
  Deno.test(`pauseArchive is the same bytes each time for ${architecture}, and small`, () => {
    const archive = pauseArchive(architecture);
    assertEquals(archive, pauseArchive(architecture));
    assertEquals(archive.length < 16_384, true);
  });
}
