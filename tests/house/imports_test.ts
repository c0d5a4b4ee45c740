/** Imports point one way: the layout of the project is its architecture. */
import { assertEquals } from "@std/assert";
import { type Import, importsOf, projectRoot, sourceFiles } from "./source_files.ts";

/** For each folder, the folders it may import from; "types:" in front where only types may come. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  machines: ["machines"],
  ports: ["ports", "machines"],
  actors: ["actors", "machines", "ports"],
  http: ["http", "machines", "ports"],
};

/** Packages that machines import at run time. */
const machinePackages = ["xstate"];

const files = sourceFiles(".ts", ".tsx");
const imports = files.flatMap(importsOf);
const importMap: Record<string, string> = JSON.parse(Deno.readTextFileSync(`${projectRoot}deno.json`)).imports;

const said = ({ from, specifier }: Import) => `${from} imports ${specifier}`;
const folderOf = (path: string) => path.slice(0, Math.max(0, path.indexOf("/")));

Deno.test("imports point one way: machines, ports, then actors and http, then everybody else", () => {
  const wrong = imports.filter(({ from, target }) => {
    const folders = allowed[folderOf(from)];
    return target !== undefined && folders !== undefined && !folders.includes(folderOf(target));
  });
  assertEquals(wrong.map(said), []);
});

Deno.test("imports of machines at run time are xstate alone", () => {
  const wrong = imports.filter(({ from, specifier, target, typeOnly }) =>
    folderOf(from) === "machines" && target === undefined && !typeOnly && !machinePackages.includes(specifier)
  );
  assertEquals(wrong.map(said), []);
});

Deno.test("imports of packages are in deno.json's import map", () => {
  const isMapped = (specifier: string) =>
    specifier in importMap || Object.keys(importMap).some((name) => name.endsWith("/") && specifier.startsWith(name));
  const wrong = imports.filter(({ specifier, target }) =>
    target === undefined && !specifier.startsWith("node:") && !isMapped(specifier)
  );
  assertEquals(wrong.map(said), []);
});

Deno.test("imports of files lead to files that exist", () => {
  const wrong = imports.filter(({ target }) => {
    if (target === undefined) return false;
    try {
      return !Deno.statSync(projectRoot + target).isFile;
    } catch {
      return true;
    }
  });
  assertEquals(wrong.map(said), []);
});

Deno.test("packages in deno.json are pinned exactly", () => {
  const loose = Object.values(importMap).filter((target) =>
    target.startsWith("npm:") && !/@\d+\.\d+\.\d+\/?$/.test(target)
  );
  assertEquals(loose, []);
});

Deno.test("importsOf finds every form of import and nothing in comments or text", () => {
  const text = `
    import a from "./a.ts";
    import { b, type B } from "../b.ts";
    import type { C } from "c";
    import "d";
    import {
      e,
    } from "./e.ts";
    export * from "./f.ts";
    export type { G } from "./g.ts";
    const h = await import("./h.ts");
    // import "./not.ts";
    /* import "./not.ts"; */
    const text = \`
      import "./not.ts";
    \`;
  `;
  assertEquals(
    importsOf({ path: "x/y.ts", text }).map(({ specifier, target, typeOnly }) => [specifier, target, typeOnly]),
    [
      ["./a.ts", "x/a.ts", false],
      ["../b.ts", "b.ts", false],
      ["c", undefined, true],
      ["d", undefined, false],
      ["./e.ts", "x/e.ts", false],
      ["./f.ts", "x/f.ts", false],
      ["./g.ts", "x/g.ts", true],
      ["./h.ts", "x/h.ts", false],
    ],
  );
});
