import { assert, assertEquals } from "@std/assert";
import { runTests } from "../../tools/run_tests.ts";
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

Deno.test("suites leave no test out: the fast one runs every folder that no other suite runs", () => {
  const [fast, ...others] = suites;
  assertEquals(fast?.paths, ["tests"]);
  const paths = others.flatMap(({ paths }) => paths);
  // A file that is taken out of another suite's folder lies in a folder that is ignored already.
  const folders = paths.filter((path) => !paths.some((each) => path.startsWith(`${each}/`)));
  assertEquals(fast?.ignore?.toSorted(), folders.toSorted());
  assert(fast?.needs.length === 0);
});
