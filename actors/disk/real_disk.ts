/**
 * The Disk port on a directory of the file system. Syncing is `fdatasync` for files, which also makes the length
 * durable that an append gave them, and `fsync` for directories. All of it is asynchronous: a slow disk holds up
 * nobody but its writers.
 */
import { type Disk, DiskError, type DiskFile, type DiskLock } from "../../ports/disk.ts";

/** The disk whose paths are relative to `directory`, which is made when it is first written to. */
export function realDisk(directory: string): Disk {
  const full = (path: string) => path === "" || path === "." ? directory : `${directory}/${path}`;
  return {
    open: (path, options) =>
      attempt(`open "${path}"`, async () => {
        const file = await Deno.open(full(path), {
          read: true,
          write: true,
          append: true,
          create: options?.create ?? false,
          mode: 0o600,
        });
        return new RealFile(path, file);
      }),
    read: (path) => attempt(`read "${path}"`, () => Deno.readFile(full(path))),
    list: (path) =>
      attempt(`list "${path}"`, async () => {
        const names: string[] = [];
        try {
          for await (const entry of Deno.readDir(full(path))) names.push(entry.name);
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
        return names.sort();
      }),
    makeDirectory: (path) =>
      attempt(`make directory "${path}"`, () => Deno.mkdir(full(path), { recursive: true, mode: 0o700 })),
    rename: (from, to) => attempt(`rename "${from}" to "${to}"`, () => Deno.rename(full(from), full(to))),
    remove: (path) => attempt(`remove "${path}"`, () => Deno.remove(full(path))),
    syncDirectory: (path) =>
      attempt(`sync directory "${path}"`, async () => {
        using opened = await Deno.open(full(path), { read: true });
        await opened.sync();
      }),
    lock: (path) => attempt(`lock "${path}"`, () => lock(full(path))),
  };
}

class RealFile implements DiskFile {
  #closed = false;

  constructor(readonly path: string, readonly file: Deno.FsFile) {}

  size(): Promise<number> {
    return attempt(`look at "${this.path}"`, async () => (await this.file.stat()).size);
  }

  append(bytes: Uint8Array): Promise<void> {
    return attempt(`append to "${this.path}"`, async () => {
      for (let at = 0; at < bytes.length;) at += await this.file.write(at === 0 ? bytes : bytes.subarray(at));
    });
  }

  sync(): Promise<void> {
    return attempt(`sync "${this.path}"`, () => this.file.syncData());
  }

  truncate(size: number): Promise<void> {
    return attempt(`truncate "${this.path}"`, () => this.file.truncate(size));
  }

  close(): Promise<void> {
    if (!this.#closed) this.file.close();
    this.#closed = true;
    return Promise.resolve();
  }
}

async function lock(path: string): Promise<DiskLock> {
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  if (!await file.tryLock(true)) {
    file.close();
    throw new DiskError("locked", `Cannot lock "${path}": another process, or another opener in this one, holds it`);
  }
  let held = true;
  const release = () => {
    if (held) file.close(); // Closing lets go of the lock.
    held = false;
    return Promise.resolve();
  };
  return { release };
}

async function attempt<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof DiskError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new DiskError(codeOf(error), `Cannot ${what}: ${message}`, { cause: error });
  }
}

const noSpaceCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

function codeOf(error: unknown): DiskError["code"] {
  if (error instanceof Deno.errors.NotFound) return "notFound";
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && noSpaceCodes.has(code) ? "noSpace" : "io";
}
