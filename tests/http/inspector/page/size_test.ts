import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";

const dist = new URL("../../../../http/inspector/page/dist/", import.meta.url);

Deno.test("inspector page is under 100 KB compressed, without the layout engine, and names no other host", async () => {
  let bytes = 0;
  for (const name of ["index.html", "page.js", "page.css", "icon.svg"]) {
    const file = await Deno.readFile(new URL(name, dist));
    bytes += gzipSync(file).length;
    const hosts = new TextDecoder().decode(file).matchAll(
      /(?:src|href|import|url)\s*[=(]\s*["']?https?:\/\/[^"')\s]+/g,
    );
    assertEquals([...hosts].map(([found]) => found), [], name);
  }
  assert(bytes < 100_000, `${bytes}`);
});
