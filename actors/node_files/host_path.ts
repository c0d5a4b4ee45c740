/** hostPath volumes: what the type asks to be there, and what it asks to be made. */
import { VolumeError } from "../../machines/volumes/payload.ts";

type Kind = "Directory" | "File" | "Socket" | "CharDevice" | "BlockDevice";

const made: Readonly<Record<string, (path: string) => Promise<void>>> = {
  DirectoryOrCreate: (path) => makeDirectory(path),
  FileOrCreate: (path) => run("touch", "--", path),
};

/** @throws VolumeError when it is not there, or is something else. */
export async function prepareHostPath({ path, type = "" }: { path: string; type?: string }): Promise<void> {
  // Without a type whatever is there will do; where nothing is, the runtime needs a directory.
  if (type === "") {
    if (await kindOf(path) === undefined) await makeDirectory(path);
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

function makeDirectory(path: string): Promise<void> {
  return run("mkdir", "-p", "-m", "755", "--", path);
}

/** The host's own programs: this process may write below its state only. */
async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new VolumeError(`hostPath cannot be made: ${new TextDecoder().decode(stderr).trim()}`);
}

/** As `stat` calls what it finds at the end of all links. */
const kinds: Readonly<Record<string, Kind>> = {
  "directory": "Directory",
  "regular file": "File",
  "regular empty file": "File",
  "socket": "Socket",
  "character special file": "CharDevice",
  "block special file": "BlockDevice",
};

/** By the host's `stat`: Deno looks at nothing in /proc, /sys and /dev for a process with less than all permissions. */
async function kindOf(path: string): Promise<Kind | undefined> {
  const { success, stdout, stderr } = await new Deno.Command("stat", {
    args: ["-L", "-c", "%F", "--", path],
    env: { LC_ALL: "C" },
    stdin: "null",
  }).output();
  if (success) return kinds[new TextDecoder().decode(stdout).trim()] ?? "File";
  const reason = new TextDecoder().decode(stderr).trim();
  if (/: (No such file or directory|Not a directory)$/.test(reason)) return undefined;
  throw new VolumeError(`hostPath cannot be looked at: ${reason}`);
}
