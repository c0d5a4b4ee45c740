/** Reads zip archives, as far as tools need it: stored and deflated entries, no encryption, below 4 GiB. */

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** The entry's contents. @throws Error when they are not as long as the archive says. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;
const longestComment = 0xffff;

export function zipEntries(archive: Uint8Array<ArrayBuffer>): ZipEntry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const entries: ZipEntry[] = [];
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== directoryEntry) throw new Error(`Cannot read zip: no entry at byte ${at}`);
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength));
    const size = view.getUint32(at + 24, true);
    const place = {
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      header: view.getUint32(at + 42, true),
    };
    entries.push({ name, size, read: () => readEntry(archive, view, name, size, place) });
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

function findEnd(view: DataView): number {
  const least = Math.max(0, view.byteLength - 22 - longestComment);
  for (let at = view.byteLength - 22; at >= least; at--) if (view.getUint32(at, true) === endOfDirectory) return at;
  throw new Error("Cannot read zip: it has no directory");
}

async function readEntry(
  archive: Uint8Array<ArrayBuffer>,
  view: DataView,
  name: string,
  size: number,
  { method, packed, header }: { method: number; packed: number; header: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const start = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  const bytes = archive.subarray(start, start + packed);
  if (method !== 0 && method !== 8) throw new Error(`Cannot read "${name}" of zip: compression method ${method}`);
  const contents = method === 0
    ? bytes
    : await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).bytes();
  if (contents.length !== size) throw new Error(`Cannot read "${name}" of zip: ${contents.length} bytes, not ${size}`);
  return contents;
}
