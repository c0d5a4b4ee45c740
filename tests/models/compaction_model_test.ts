import { assertEquals } from "@std/assert";
import { exploreMachine } from "../../machines/check/explore_machine.ts";
import { compactionMachine } from "../../machines/store/compaction_machine.ts";

Deno.test("compactionMachine always has a round under way or a time for the next one", () => {
  const found = exploreMachine(compactionMachine, {
    input: undefined,
    events: [],
    terminal: [],
    always: {
      "a round is under way, or its time is set": ({ snapshot, timers }) =>
        snapshot.matches("compacting") || timers.length === 1,
    },
  });
  assertEquals(found.problems, []);
});
