import { assertEquals } from "@std/assert";
import { sourceFiles } from "./source_files.ts";

Deno.test("every machine is explored: some test imports it together with the explorer", () => {
  const files = sourceFiles(".ts");
  const machines = files.filter(({ path }) =>
    /^machines\/.*_machine\.ts$/.test(path) && !path.startsWith("machines/check/")
  );
  const explorations = files.filter(({ path, text }) =>
    path.startsWith("tests/") && /check\/(explore_machine|explore|check_system)\w*\.ts/.test(text)
  );
  const unexplored = machines.filter(({ path }) => !explorations.some(({ text }) => text.includes(`/${path}"`)));
  assertEquals(unexplored.map(({ path }) => path), []);
});
