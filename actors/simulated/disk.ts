/**
 * The Disk port in memory, losing what a real disk may lose.
 *
 * Every change is an operation that waits in line until a sync makes it durable: a file's appends and truncations
 * until `sync` of the file, a directory's names until `syncDirectory`. A crash keeps, by chance, some of what waits:
 * of changes of names the first few, or any; of a file's operations the first few, and of the append after them a part,
 * cut anywhere or with sectors that were never written and read as zeros.
 */
import { type Disk, DiskError, type DiskFile, type DiskLock } from "../../ports/disk.ts";
import {
  append,
  crashDirectory,
  crashFile,
  type Directory,
  emptyDirectory,
  emptyFile,
  type Inode,
  makeDurable,
  type NameChange,
  partOf,
  rename,
  truncate,
} from "./disk_content.ts";

export interface SimulatedDiskOptions {
  /** Draws in [0, 1) that decide what a crash keeps. */
  readonly random: { next(): number };
}

/** Counts operations from 1 on; asking for a fault names one of them. */
export type DiskFault = "noSpace" | "io" | "crash";

export class SimulatedDisk implements Disk {
  /** Operations asked for so far. */
  operations = 0;
  /** Called before an operation is carried out, with its number; for tests that look at what happens. */
  onOperation: ((number: number, what: string) => void) | undefined;
  #directories = new Map<string, Directory>();
  #durableDirectories = new Set<string>();
  #locks = new Set<string>();
  #faults = new Map<number, DiskFault>();
  #life = 1;
  #off = false;
  #random: { next(): number };

  constructor({ random }: SimulatedDiskOptions) {
    this.#random = random;
    this.#directories.set("", emptyDirectory());
    this.#durableDirectories.add("");
  }

  /** The operation with this number fails; "crash": power is lost in the middle of it. */
  failAt(operation: number, fault: DiskFault): void {
    this.#faults.set(operation, fault);
  }

  /** Power is back, and faults that have not happened yet are taken back. */
  restart(): void {
    this.#faults.clear();
    this.#off = false;
  }

  /**
   * Power is lost, until `restart`: whoever used the disk can do nothing more. Locks are gone, and what was not durable
   * is, by chance, gone too.
   */
  crash(): void {
    this.#off = true;
    this.#life++;
    this.#locks.clear();
    for (const path of [...this.#directories.keys()]) {
      if (!this.#durableDirectories.has(path)) this.#directories.delete(path);
    }
    const inodes = new Set<Inode>();
    for (const directory of this.#directories.values()) {
      crashDirectory(directory, this.#random);
      for (const inode of directory.names.values()) inodes.add(inode);
    }
    for (const inode of inodes) crashFile(inode, this.#random);
  }

  /** Whoever used the disk was killed: locks are gone and what is under way fails, but nothing is lost. */
  abandon(): void {
    this.#life++;
    this.#locks.clear();
  }

  /** Flips bits of what is on the disk, durably. */
  corrupt(path: string, offset: number, mask = 0xff): void {
    const inode = this.#inode(path);
    inode.bytes[offset]! ^= mask;
    makeDurable(inode);
  }

  /** Cuts a file, durably. */
  cut(path: string, length: number): void {
    const inode = this.#inode(path);
    truncate(inode, length);
    makeDurable(inode);
  }

  /** A copy of everything as it stands, for tests that try many accidents on one state. */
  clone(): SimulatedDisk {
    const copy = new SimulatedDisk({ random: this.#random });
    const inodes = new Map<Inode, Inode>();
    const copied = (inode: Inode): Inode => {
      let twin = inodes.get(inode);
      if (twin === undefined) {
        twin = { ...inode, bytes: inode.bytes.slice(), durable: inode.durable.slice(), waiting: [...inode.waiting] };
        inodes.set(inode, twin);
      }
      return twin;
    };
    const names = (from: Map<string, Inode>) => new Map([...from].map(([name, inode]) => [name, copied(inode)]));
    for (const [path, directory] of this.#directories) {
      copy.#directories.set(path, {
        names: names(directory.names),
        durable: names(directory.durable),
        waiting: directory.waiting.map((changes) =>
          changes.map(({ name, inode }) => ({ name, inode: inode && copied(inode) }))
        ),
      });
    }
    copy.#durableDirectories = new Set(this.#durableDirectories);
    return copy;
  }

  open(path: string, options?: { create?: boolean }): Promise<DiskFile> {
    return this.#operation(`open ${path}`, () => {
      const [directory, name] = this.#place(path);
      let inode = directory.names.get(name);
      if (inode === undefined) {
        if (!options?.create) throw new DiskError("notFound", `Cannot open "${path}": it does not exist`);
        inode = emptyFile();
        this.#rename(directory, [{ name, inode }]);
      }
      return this.#file(path, inode);
    });
  }

  read(path: string): Promise<Uint8Array> {
    return this.#operation(`read ${path}`, () => {
      const inode = this.#inode(path);
      return inode.bytes.slice(0, inode.length);
    });
  }

  list(directory: string): Promise<string[]> {
    return this.#operation(
      `list ${directory}`,
      () => [...this.#directories.get(clean(directory))?.names.keys() ?? []].sort(),
    );
  }

  makeDirectory(path: string): Promise<void> {
    return this.#operation(`makeDirectory ${path}`, () => {
      const parts = clean(path).split("/").filter((part) => part !== "");
      for (let depth = 1; depth <= parts.length; depth++) {
        const made = parts.slice(0, depth).join("/");
        if (!this.#directories.has(made)) this.#directories.set(made, emptyDirectory());
      }
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operation(`rename ${from} ${to}`, () => {
      const [directory, name] = this.#place(from);
      const [target, targetName] = this.#place(to);
      if (directory !== target) throw new DiskError("io", `Cannot rename "${from}" to "${to}": directories differ`);
      this.#rename(directory, [{ name: targetName, inode: this.#inode(from) }, { name, inode: undefined }]);
    });
  }

  remove(path: string): Promise<void> {
    return this.#operation(`remove ${path}`, () => {
      this.#inode(path);
      const [directory, name] = this.#place(path);
      this.#rename(directory, [{ name, inode: undefined }]);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#operation(`syncDirectory ${path}`, () => {
      const own = clean(path);
      const directory = this.#directories.get(own);
      if (directory === undefined) {
        throw new DiskError("notFound", `Cannot sync directory "${path}": it does not exist`);
      }
      directory.durable = new Map(directory.names);
      directory.waiting = [];
      for (const child of this.#directories.keys()) if (parentOf(child) === own) this.#durableDirectories.add(child);
    });
  }

  async lock(path: string): Promise<DiskLock> {
    const file = await this.open(path, { create: true });
    await file.close();
    if (this.#locks.has(path)) throw new DiskError("locked", `Cannot lock "${path}": another opener holds it`);
    this.#locks.add(path);
    const life = this.#life;
    return {
      release: () => {
        if (life === this.#life) this.#locks.delete(path);
        return Promise.resolve();
      },
    };
  }

  #file(path: string, inode: Inode): DiskFile {
    const life = this.#life;
    const operation = <T>(what: string, act: () => T, partly?: () => void) =>
      this.#operation(`${what} ${path}`, act, partly, life);
    return {
      size: () => operation("size", () => inode.length),
      append: (bytes) => {
        const own = bytes.slice();
        const partly = () => append(inode, own.subarray(0, partOf(own.length, this.#random)));
        return operation("append", () => append(inode, own), partly);
      },
      sync: () => operation("sync", () => makeDurable(inode)),
      truncate: (size) => operation("truncate", () => truncate(inode, size)),
      close: () => Promise.resolve(),
    };
  }

  /** Waits its turn, then acts, or fails where it shall. `partly` is what a failing operation leaves done. */
  async #operation<T>(what: string, act: () => T, partly?: () => void, life = this.#life): Promise<T> {
    await Promise.resolve();
    if (this.#off || life !== this.#life) throw new DiskError("io", `Cannot ${what}: power was lost`);
    const number = ++this.operations;
    this.onOperation?.(number, what);
    const fault = this.#faults.get(number);
    if (fault === undefined) return act();
    this.#faults.delete(number);
    partly?.();
    if (fault === "crash") {
      this.crash();
      throw new DiskError("io", `Cannot ${what}: power was lost`);
    }
    throw new DiskError(
      fault,
      `Cannot ${what}: ${fault === "noSpace" ? "no space left on the disk" : "the disk failed"}`,
    );
  }

  #rename(directory: Directory, changes: readonly NameChange[]): void {
    rename(directory.names, changes);
    directory.waiting.push(changes);
  }

  #place(path: string): [Directory, string] {
    const cleaned = clean(path);
    const directory = this.#directories.get(parentOf(cleaned));
    if (directory === undefined) throw new DiskError("notFound", `Cannot find "${path}": its directory does not exist`);
    return [directory, cleaned.slice(cleaned.lastIndexOf("/") + 1)];
  }

  #inode(path: string): Inode {
    const [directory, name] = this.#place(path);
    const inode = directory.names.get(name);
    if (inode === undefined) throw new DiskError("notFound", `Cannot find "${path}": it does not exist`);
    return inode;
  }
}

function clean(path: string): string {
  return path.split("/").filter((part) => part !== "" && part !== ".").join("/");
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}
