/** The example that docs/actors.md walks through, run and explored. */
import { assert, assertEquals } from "@std/assert";
import { doorMachine } from "../../examples/door/door_machine.ts";
import { runDoor } from "../../examples/door/run_door.ts";
import { BrokenRule, exploreMachine, type MachineWorld } from "../../mod.ts";

const world: MachineWorld<typeof doorMachine> = {
  inputs: [{ found: "closed" }, { found: "ajar" }],
  events: [{ type: "button.pressed" }, { type: "beam.broken" }, { type: "door.repaired" }],
  recover: () => [{ found: "closed" }, { found: "ajar" }],
  always: {
    "turns one way at a time": ({ outstanding }) => outstanding.length <= 1,
    "a door that rests is not turned": ({ snapshot, outstanding }) =>
      outstanding.length === 0 || snapshot.matches("opening") || snapshot.matches("closing"),
  },
  sometimes: { "somebody has to come": ({ snapshot }) => snapshot.matches("broken") },
  eachStep: {
    "never closes on somebody": ({ choice, after }) =>
      !(choice.type === "event" && choice.event.type === "beam.broken") ||
      !after.orders.some(({ type }) => type === "closeDoor"),
    "calls for help once it gives up": ({ before, after }) =>
      before.snapshot.matches("broken") || !after.snapshot.matches("broken") ||
      after.orders.some(({ type }) => type === "callForHelp"),
  },
};

Deno.test("the door of the example keeps its rules in every order of events", () => {
  const { problems, states } = exploreMachine(doorMachine, world);
  assertEquals(problems, []);
  assert(states > 10);
});

Deno.test("the door of the example would be caught closing on somebody", () => {
  const always = {
    "is never half closed": ({ outstanding }: { outstanding: readonly { type: string }[] }) =>
      !outstanding.some(({ type }) => type === "closeDoor"),
  };
  try {
    exploreMachine(doorMachine, { ...world, always });
  } catch (error) {
    assert(error instanceof BrokenRule);
    assertEquals(error.message, quoted("text broken"));
    return;
  }
  throw new Error("the rule was not broken");
});

Deno.test("the door of the example runs as its story in docs/actors.md says", async () => {
  const story = await runDoor();
  assertEquals(story.map((line) => line.trimEnd()).join("\n"), quoted("text story"));
});

/** A block of docs/actors.md, by what its fence says. */
function quoted(fence: string): string | undefined {
  const docs = Deno.readTextFileSync(new URL("../../docs/actors.md", import.meta.url));
  return docs.split("```" + fence + "\n")[1]?.split("\n```")[0];
}
