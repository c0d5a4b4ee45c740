/** hostPath volumes: what the type asks to be there, and what it asks to be made. */
import { VolumeError } from "../../machines/volumes/payload.ts";

type Kind = "Directory" | "File" | "Socket" | "CharDevice" | "BlockDevice";

const made: Readonly<Record<string, (path: string) => Promise<void>>> = {
  DirectoryOrCreate: async (path) => await Deno.mkdir(path, { recursive: true, mode: 0o755 }),
  FileOrCreate: async (path) => (await Deno.open(path, { create: true, write: true, mode: 0o644 })).close(),
};

/** @throws VolumeError when it is not there, or is something else. */
export async function prepareHostPath({ path, type = "" }: { path: string; type?: string }): Promise<void> {
  // Without a type whatever is there will do; where nothing is, the runtime needs a directory.
  if (type === "") {
    if (await kindOf(path) === undefined) await Deno.mkdir(path, { recursive: true });
    return;
  }
  const make = made[type];
  if (make !== undefined && await kindOf(path) === undefined) await make(path);
  const wanted = type.replace(/OrCreate$/, "");
  const found = await kindOf(path);
  if (found === wanted) return;
  const said: Record<string, string> = {
    Directory: "directory",
    File: "file",
    Socket: "socket file",
    CharDevice: "character device",
    BlockDevice: "block device",
  };
  throw new VolumeError(`hostPath type check failed: ${path} is not a ${said[wanted] ?? wanted}`);
}

async function kindOf(path: string): Promise<Kind | undefined> {
  try {
    const found = await Deno.stat(path);
    if (found.isDirectory) return "Directory";
    if (found.isSocket) return "Socket";
    if (found.isCharDevice) return "CharDevice";
    return found.isBlockDevice ? "BlockDevice" : "File";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
