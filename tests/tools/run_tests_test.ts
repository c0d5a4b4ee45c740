import { assertEquals } from "@std/assert";
import { runTests } from "../../tools/run_tests.ts";
import { testFiles, writeEntries } from "../../tools/test_entries.ts";
import { suites } from "../../tools/test_suites.ts";

Deno.test("runTests refuses a suite and an option that are not there", async () => {
  const said: string[] = [];
  const { error } = console;
  console.error = (line: string) => void said.push(line);
  try {
    assertEquals(await runTests(["fast", "slow"]), 2);
    assertEquals(await runTests(["--slow"]), 2);
  } finally {
    console.error = error;
  }
  assertEquals(said.map((line) => line.split(":")[0]), ["Cannot run slow", "Cannot run --slow"]);
});

Deno.test("suites run every test file, each in one suite", () => {
  const root = new URL("../../", import.meta.url).pathname;
  const run = suites.flatMap(({ paths, ignore }) => testFiles(root, paths, ignore));
  assertEquals(run.toSorted(), testFiles(root, ["tests"]));
});

Deno.test("the fast suite needs nothing", () => {
  const [fast] = suites;
  assertEquals([fast?.name, fast?.needs], ["fast", []]);
});

Deno.test("writeEntries imports every file once, those that hold no leak to account each alone", async () => {
  const root = await Deno.makeTempDir({ prefix: "chartroom-entries-" });
  try {
    await Deno.mkdir(`${root}/tests`);
    await Deno.mkdir(`${root}/entries`);
    for (let number = 10; number < 30; number++) await Deno.writeTextFile(`${root}/tests/${number}_test.ts`, "");
    await Deno.writeTextFile(`${root}/tests/9_test.ts`, "Deno.test({ sanitizeOps: false });");
    const files = testFiles(`${root}/`, ["tests"]);
    await writeEntries(`${root}/`, `${root}/entries`, "fast", files);
    const entries = testFiles(`${root}/`, ["entries"]).map((entry) => Deno.readTextFileSync(`${root}/${entry}`));
    const imported = entries.map((text) =>
      [...text.matchAll(/tests\/(\d+)_test/g)].map(([, number]) => Number(number))
    );
    assertEquals(imported.flat().toSorted((a, b) => a - b), Array.from({ length: 21 }, (_, index) => index + 9));
    assertEquals(imported.filter((numbers) => numbers.includes(9)), [[9]]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
