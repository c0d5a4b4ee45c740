/** The node's files for real: directories, tmpfs and bind mounts. Needs root. */
import type { EmptyDirectory, NodeFiles } from "../../ports/node_files.ts";
import { readHostTextFile } from "../real/kernel_file.ts";
import { writePayload } from "./atomic_writer.ts";
import { prepareHostPath } from "./host_path.ts";
import { isMounted, mountTmpfs, unmountBelow } from "./mounts.ts";
import { bindSubPath } from "./subpath.ts";

async function orWhenMissing<T>(work: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return otherwise;
    throw error;
  }
}

async function makeEmptyDirectory(path: string, { memory, sizeBytes, group }: EmptyDirectory): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  if (memory && !await isMounted(path)) {
    await mountTmpfs(path, sizeBytes === undefined ? "mode=0777" : `mode=0777,size=${sizeBytes}`);
  }
  if (group !== undefined) await Deno.chown(path, null, group);
  await Deno.chmod(path, group === undefined ? 0o777 : 0o2777);
}

export const realNodeFiles: NodeFiles = {
  readHostFile: (path) => orWhenMissing(readHostTextFile(path), ""),
  makeEmptyDirectory,
  async writePayload(directory, payload, version, { secret, group }) {
    await Deno.mkdir(directory, { recursive: true });
    if (secret && !await isMounted(directory)) await mountTmpfs(directory, "mode=0755");
    return await writePayload(directory, payload, version, group === undefined ? {} : { group });
  },
  prepareHostPath,
  bindSubPath,
  async writeFile(path, text, mode) {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (text === undefined) (await Deno.open(path, { create: true, write: true })).close();
    else await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
  },
  async readEnd(path, bytes) {
    const file = await orWhenMissing(Deno.open(path, { read: true }), undefined);
    if (file === undefined) return "";
    try {
      // No more than is wanted: a container may have written as much as its disk holds.
      const { size } = await file.stat();
      if (size > bytes) await file.seek(size - bytes, Deno.SeekMode.Start);
      const found = new Uint8Array(bytes);
      let length = 0;
      for (let read: number | null = 0; read !== null && length < bytes; length += read ?? 0) {
        read = await file.read(found.subarray(length));
      }
      return new TextDecoder().decode(found.subarray(0, length));
    } finally {
      file.close();
    }
  },
  async remove(directory) {
    await unmountBelow(directory);
    await orWhenMissing(Deno.remove(directory, { recursive: true }), undefined);
  },
  async list(directory) {
    const names: string[] = [];
    const read = async () => {
      for await (const { name } of Deno.readDir(directory)) names.push(name);
    };
    await orWhenMissing(read(), undefined);
    return names;
  },
};
