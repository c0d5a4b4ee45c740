/** What files are called, how long they are and what they may say. */
import { assertEquals } from "@std/assert";
import { projectRoot, sourceFiles } from "./source_files.ts";

const files = sourceFiles(".ts", ".tsx", ".sh");
const maxLines = 400;

/** Tables of facts may be as long as the facts: nobody reads them from top to bottom. */
const mayBeLong = [/\/generated\//, /_table\.ts$/, /_tables\.ts$/, /^tests\//];

Deno.test("files keep to one idea: at most 400 lines, tables of facts and tests aside", () => {
  const long = files.filter(({ path }) => !mayBeLong.some((pattern) => pattern.test(path)))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > maxLines);
  assertEquals(long, []);
});

Deno.test("files are named in snake_case after what they export, never index or mod below the root", () => {
  const wrong = files.map(({ path }) => path).filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (path === "mod.ts" || path === "ports/mod.ts") return false;
    return !/^[a-z][a-z0-9]*(_[a-z0-9]+)*\.(ts|tsx|sh)$/.test(name) || /^(index|mod)\./.test(name);
  });
  assertEquals(wrong, []);
});

Deno.test("tests are named uniquely within their file", () => {
  const doubled = files.filter(({ path }) => path.endsWith("_test.ts")).flatMap(({ path, text }) => {
    const names = [...text.matchAll(/^\s*Deno\.test\((?:\{\s*name:\s*)?(["'`])((?:\\.|(?!\1).)*)\1/gm)].map((
      [, , name],
    ) => name!);
    return names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${path}: ${name}`);
  });
  assertEquals(doubled, []);
});

Deno.test("tests stand where what they test stands", () => {
  const wrong = files.map(({ path }) => path).filter((path) => path.endsWith("_test.ts") && !path.startsWith("tests/"));
  assertEquals(wrong, []);
});

// Taken apart, so that this file does not find itself.
const machinePlaces = ["/wo" + "rk/", "reg" + "istry.npmjs", "art" + "ifactory"];

Deno.test("files speak of the project alone: no paths or hosts of the machine it was written on", () => {
  const wrong = sourceFiles(".ts", ".tsx", ".sh", ".md", ".json", ".yaml").flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      machinePlaces.filter((place) => line.includes(place)).map((place) => `${path}:${index + 1} says ${place}`)
    )
  );
  assertEquals(wrong, []);
});

Deno.test("docs/dependencies.md lists exactly the packages of the import map", () => {
  const { imports }: { imports: Record<string, string> } = JSON.parse(Deno.readTextFileSync(`${projectRoot}deno.json`));
  const packages = Object.entries(imports).filter(([, target]) => target.startsWith("npm:")).map(([name]) => name);
  const text = Deno.readTextFileSync(`${projectRoot}docs/dependencies.md`);
  const listed = [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name!);
  assertEquals(listed.toSorted(), packages.filter((name) => !name.endsWith("/")).toSorted());
});
