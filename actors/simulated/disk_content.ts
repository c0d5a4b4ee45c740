/** What the simulated disk holds, what of it is durable, and what a crash leaves. */

export interface Inode {
  bytes: Uint8Array;
  length: number;
  durable: Uint8Array;
  waiting: ({ readonly append: Uint8Array } | { readonly truncate: number })[];
}

export type NameChange = { readonly name: string; readonly inode: Inode | undefined };

export interface Directory {
  names: Map<string, Inode>;
  durable: Map<string, Inode>;
  /** Changes that happen together, such as the two halves of a rename, are one item. */
  waiting: (readonly NameChange[])[];
}

type Draws = { next(): number };

const sectorBytes = 512;

export function emptyFile(): Inode {
  return { bytes: new Uint8Array(0), length: 0, durable: new Uint8Array(0), waiting: [] };
}

export function emptyDirectory(): Directory {
  return { names: new Map(), durable: new Map(), waiting: [] };
}

export function rename(names: Map<string, Inode>, changes: readonly NameChange[]): void {
  for (const { name, inode } of changes) {
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
  }
}

export function append(inode: Inode, bytes: Uint8Array): void {
  const length = inode.length + bytes.length;
  if (length > inode.bytes.length) {
    const grown = new Uint8Array(Math.max(length, inode.bytes.length * 2));
    grown.set(inode.bytes.subarray(0, inode.length));
    inode.bytes = grown;
  }
  inode.bytes.set(bytes, inode.length);
  inode.length = length;
  inode.waiting.push({ append: bytes });
}

/** Shares the bytes: an append never writes over them, and who would cuts them off first (`truncate`). */
export function makeDurable(inode: Inode): void {
  inode.durable = inode.bytes.subarray(0, inode.length);
  inode.waiting = [];
}

export function truncate(inode: Inode, size: number): void {
  inode.bytes = inode.bytes.slice(0, Math.min(size, inode.length));
  inode.length = inode.bytes.length;
  inode.waiting.push({ truncate: size });
}

export function crashDirectory(directory: Directory, random: Draws): void {
  for (const changes of survivors(directory.waiting, random)) rename(directory.durable, changes);
  directory.waiting = [];
  directory.names = new Map(directory.durable);
}

export function crashFile(inode: Inode, random: Draws): void {
  const { durable } = inode;
  const file: Inode = { bytes: durable.slice(), length: durable.length, durable, waiting: [] };
  const whole = partOf(inode.waiting.length, random);
  for (const change of inode.waiting.slice(0, whole)) {
    if ("append" in change) append(file, change.append);
    else file.length = Math.min(file.length, change.truncate);
  }
  const torn = inode.waiting[whole];
  if (torn !== undefined && "append" in torn) append(file, tear(torn.append, file.length, random));
  inode.bytes = file.bytes.slice(0, file.length);
  inode.length = inode.bytes.length;
  makeDurable(inode);
}

/** From 0 to all of it. */
export function partOf(length: number, random: Draws): number {
  return Math.floor(random.next() * (length + 1));
}

/** File systems with a journal keep the first few changes of names; others keep any. */
function survivors<T>(waiting: readonly T[], random: Draws): readonly T[] {
  if (random.next() < 0.5) return waiting.filter(() => random.next() < 0.5);
  return waiting.slice(0, partOf(waiting.length, random));
}

/** What a crash leaves of an append: a beginning, or all of its length with sectors missing. */
function tear(bytes: Uint8Array, offset: number, random: Draws): Uint8Array {
  if (random.next() < 0.5) return bytes.subarray(0, partOf(bytes.length, random));
  const left = bytes.slice();
  for (let start = 0; start < left.length;) {
    const end = start + sectorBytes - (offset + start) % sectorBytes;
    if (random.next() < 0.5) left.fill(0, start, end);
    start = end;
  }
  return left;
}
