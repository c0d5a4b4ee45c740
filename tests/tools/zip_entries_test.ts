import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { zipEntries } from "../../tools/zip_entries.ts";

/** A zip of one deflated and one stored file and a folder, with a comment at its end. */
async function zipOf(files: readonly { name: string; text: string; deflate: boolean; size?: number }[]) {
  const encode = (text: string) => new TextEncoder().encode(text);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  const lengthOf = (chunks: Uint8Array[]) => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const numbers = (size: number, fields: [at: number, bytes: 2 | 4, value: number][]) => {
    const view = new DataView(new ArrayBuffer(size));
    for (const [at, bytes, value] of fields) {
      bytes === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true);
    }
    return new Uint8Array(view.buffer);
  };
  for (const { name, text, deflate, size = text.length } of files) {
    const packed = deflate
      ? await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"))).bytes()
      : encode(text);
    const header = lengthOf(parts);
    const method = deflate ? 8 : 0;
    parts.push(numbers(30, [[0, 4, 0x04034b50], [8, 2, method], [26, 2, name.length], [28, 2, 3]]));
    parts.push(encode(name), encode("xyz"), packed);
    directory.push(
      numbers(46, [[0, 4, 0x02014b50], [10, 2, method], [20, 4, packed.length], [24, 4, size], [28, 2, name.length], [
        42,
        4,
        header,
      ]]),
      encode(name),
    );
  }
  const start = lengthOf(parts);
  const end = numbers(22, [[0, 4, 0x06054b50], [10, 2, files.length], [12, 4, lengthOf(directory)], [16, 4, start], [
    20,
    2,
    5,
  ]]);
  return new Blob([...parts, ...directory, end, "hello"]).bytes();
}

Deno.test("zipEntries reads deflated and stored entries behind a comment", async () => {
  const text = "charts ".repeat(1000);
  const archive = await zipOf([
    { name: "a/", text: "", deflate: false },
    { name: "a/deflated", text, deflate: true },
    { name: "stored", text: "as it is", deflate: false },
  ]);
  const read = await Promise.all(
    zipEntries(archive).map(async (entry) => [entry.name, entry.size, new TextDecoder().decode(await entry.read())]),
  );
  assertEquals(read, [["a/", 0, ""], ["a/deflated", text.length, text], ["stored", 8, "as it is"]]);
});

Deno.test("zipEntries refuses an entry that is shorter than it says", async () => {
  const [entry] = zipEntries(await zipOf([{ name: "cut", text: "abc", deflate: true, size: 4 }]));
  await assertRejects(() => entry!.read(), Error, 'Cannot read "cut" of zip: 3 bytes, not 4');
});

Deno.test("zipEntries refuses what is no zip", () => {
  assertThrows(() => zipEntries(new Uint8Array(100)), Error, "Cannot read zip: it has no directory");
});
