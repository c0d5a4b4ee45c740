import { assertEquals, assertRejects } from "@std/assert";
import { writePayload } from "../../../actors/node_files/atomic_writer.ts";
import { prepareHostPath } from "../../../actors/node_files/host_path.ts";
import { realNodeFiles } from "../../../actors/node_files/real_node_files.ts";
import { bindSubPath } from "../../../actors/node_files/subpath.ts";
import type { Payload } from "../../../machines/volumes/payload.ts";

const payload = (files: Record<string, string>): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { bytes: new TextEncoder().encode(text), mode: 0o644 }]));

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("writePayload swaps all files at once, removes old names, and leaves what is the same", async () => {
  await inDirectory(async (directory) => {
    assertEquals(await writePayload(directory, payload({ a: "1", "deep/b": "2" }), "v1"), true);
    assertEquals(await Deno.readLink(`${directory}/..data`), "..v1");
    assertEquals(await Deno.readLink(`${directory}/a`), "..data/a");
    assertEquals(await Deno.readTextFile(`${directory}/deep/b`), "2");
    assertEquals(await writePayload(directory, payload({ a: "1", "deep/b": "2" }), "v2"), false);
    assertEquals(await writePayload(directory, payload({ a: "3" }), "v3"), true);
    assertEquals(await Deno.readTextFile(`${directory}/a`), "3");
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assertEquals(names, ["..data", "..v3", "a"]);
  });
});

Deno.test("writePayload refuses paths that lead out of the volume", async () => {
  await inDirectory(async (directory) => {
    for (const path of ["../x", "/x", "a/../../x", "..data"]) {
      await assertRejects(() => writePayload(directory, payload({ [path]: "" }), "v1"), Error, "Cannot write volume");
    }
  });
});

Deno.test("bindSubPath refuses links that lead out of the volume, on the way and at the end", async () => {
  await inDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/volume/real`, { recursive: true });
    await Deno.symlink("/etc", `${directory}/volume/out`);
    await Deno.symlink("..", `${directory}/volume/real/up`);
    for (const subPath of ["out", "out/hosts", "real/up/..", "../x", "/etc", "real/up/out"]) {
      await assertRejects(
        () => bindSubPath(`${directory}/volume`, subPath, `${directory}/target`),
        Error,
        "Cannot use subPath",
      );
    }
  });
});

Deno.test("prepareHostPath makes what its type says and refuses what is something else", async () => {
  await inDirectory(async (directory) => {
    await prepareHostPath({ path: `${directory}/d/e`, type: "DirectoryOrCreate" });
    await prepareHostPath({ path: `${directory}/d/f`, type: "FileOrCreate" });
    await prepareHostPath({ path: `${directory}/d/f`, type: "File" });
    await prepareHostPath({ path: "/dev/null", type: "CharDevice" });
    const said = `hostPath type check failed: ${directory}/d/f is not a directory`;
    await assertRejects(() => prepareHostPath({ path: `${directory}/d/f`, type: "Directory" }), Error, said);
    await assertRejects(() => prepareHostPath({ path: `${directory}/absent`, type: "Socket" }), Error, "socket file");
  });
});

Deno.test("readEnd reads no more of a file than is wanted, and nothing of none", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/message`;
    await Deno.writeTextFile(path, "short");
    assertEquals(await realNodeFiles.readEnd(path, 4096), "short");
    using file = await Deno.open(path, { write: true });
    await file.seek(8 * 2 ** 30, Deno.SeekMode.Start); // More than memory holds; a hole, so that it takes no space.
    await file.write(new TextEncoder().encode("the last words"));
    assertEquals(await realNodeFiles.readEnd(path, 5), "words");
    assertEquals(await realNodeFiles.readEnd(`${directory}/absent`, 5), "");
  });
});
