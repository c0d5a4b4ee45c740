/**
 * Plays scenarios/*.txt and compares what is below their line. `deno run -A tests/machines/raft/raft_scenarios_test.ts
 * --update` writes it anew: look at the difference before you keep it.
 */
import { assertEquals } from "@std/assert";
import { tell } from "./raft_scenario.ts";

const folder = new URL("./scenarios/", import.meta.url);
const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".txt")).sort();
const line = "----\n";

for (const name of names) {
  const file = new URL(name, folder);
  const [story = "", told] = Deno.readTextFileSync(file).split(line);
  if (Deno.args.includes("--update")) Deno.writeTextFileSync(file, story + line + tell(story));
  else Deno.test(`raftMachine: ${name.slice(0, -4).replaceAll("_", " ")}`, () => assertEquals(tell(story), told));
}
