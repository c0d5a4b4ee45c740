import { assertEquals, assertRejects } from "@std/assert";
import { bind, isMounted, unmountBelow } from "../../actors/node_files/mounts.ts";
import { bindSubPath } from "../../actors/node_files/subpath.ts";

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/volume/part`, { recursive: true });
    await Deno.writeTextFile(`${directory}/volume/part/file`, "inside");
    await Deno.mkdir(`${directory}/outside`);
    await Deno.writeTextFile(`${directory}/outside/file`, "outside");
    await body(directory);
  } finally {
    await unmountBelow(directory);
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("bindSubPath shows a directory or a file of the volume, makes what is missing, and is idempotent", async () => {
  await inDirectory(async (directory) => {
    const volume = `${directory}/volume`;
    for (let time = 0; time < 2; time++) {
      await bindSubPath(volume, "part", `${directory}/bound/directory`);
      await bindSubPath(volume, "part/file", `${directory}/bound/file`);
      await bindSubPath(volume, "new/deep", `${directory}/bound/new`);
    }
    assertEquals(await Deno.readTextFile(`${directory}/bound/directory/file`), "inside");
    assertEquals(await Deno.readTextFile(`${directory}/bound/file`), "inside");
    assertEquals((await Deno.stat(`${volume}/new/deep`)).isDirectory, true);
  });
});

Deno.test("bindSubPath never takes over what shows something outside of the volume", async () => {
  await inDirectory(async (directory) => {
    const target = `${directory}/bound`;
    await Deno.mkdir(target);
    await bind(`${directory}/outside`, target); // As left by a race that was won against a kubelet.
    await bindSubPath(`${directory}/volume`, "part", target);
    assertEquals(await Deno.readTextFile(`${target}/file`), "inside");
  });
});

Deno.test("bindSubPath leaves nothing outside mounted while its path is exchanged all the time", async () => {
  await inDirectory(async (directory) => {
    const [volume, target] = [`${directory}/volume`, `${directory}/bound`];
    await Deno.symlink(`${directory}/outside`, `${volume}/link`);
    await Deno.mkdir(`${volume}/turn`);
    const script = `while ! test -e ../stop; do mv -T turn a; mv -T link turn; mv -T turn link; mv -T a turn; done`;
    const racer = new Deno.Command("sh", { args: ["-c", script], cwd: volume, stderr: "null" }).spawn();
    try {
      for (let attempt = 0; attempt < 60; attempt++) {
        try {
          await bindSubPath(volume, "turn", target);
        } catch {
          // Refused, or just not there: either is well.
        }
        if (!await isMounted(target)) continue;
        const names = [...Deno.readDirSync(target)].map(({ name }) => name);
        assertEquals(names, [], "what lies outside is shown");
        await unmountBelow(target);
      }
    } finally {
      // Killed, it would leave a program running that still moves.
      await Deno.writeTextFile(`${directory}/stop`, "");
      await racer.status;
    }
  });
});

Deno.test("bindSubPath shows the present file after the volume was written anew", async () => {
  await inDirectory(async (directory) => {
    const [volume, target] = [`${directory}/volume`, `${directory}/bound`];
    await Deno.symlink("part", `${volume}/now`);
    await bindSubPath(volume, "now/file", target);
    await Deno.mkdir(`${volume}/next`);
    await Deno.writeTextFile(`${volume}/next/file`, "newer");
    await Deno.remove(`${volume}/now`);
    await Deno.symlink("next", `${volume}/now`);
    await Deno.remove(`${volume}/part`, { recursive: true });
    await bindSubPath(volume, "now/file", target);
    assertEquals(await Deno.readTextFile(target), "newer");
    await assertRejects(() => bindSubPath(volume, "../outside", target), Error, "inside the volume");
  });
});
