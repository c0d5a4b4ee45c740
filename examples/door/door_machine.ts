/**
 * A door that opens when it is asked to and closes by itself, but never on somebody: whoever breaks the light beam
 * while it closes makes it open again. A motor that fails is tried three times; then somebody has to come.
 */
import { assign, setup } from "xstate";
import { effect } from "../../mod.ts";

/** Facts that may come to a door. */
export type DoorEvent =
  | { type: "button.pressed" }
  | { type: "beam.broken" }
  | { type: "door.opened" }
  | { type: "door.closed" }
  | { type: "motor.failed"; reason: string; message: string }
  | { type: "door.repaired" };

/** Where the door was found when the actor started. */
export interface DoorInput {
  readonly found: "closed" | "ajar";
}

export const doorMachine = setup({
  types: {
    context: {} as DoorInput & { failures: number },
    events: {} as DoorEvent,
    input: {} as DoorInput,
  },
  actions: {
    openDoor: effect({ answers: ["door.opened", "motor.failed"], fails: "motor.failed", cancels: ["closeDoor"] }),
    closeDoor: effect({ answers: ["door.closed", "motor.failed"], fails: "motor.failed" }),
    callForHelp: effect<{ failures: number }>(),
    countFailure: assign({ failures: ({ context }) => Math.min(3, context.failures + 1) }),
    forgetFailures: assign({ failures: 0 }),
  },
  guards: {
    wasAjar: ({ context }) => context.found === "ajar",
    mayTryAgain: ({ context }) => context.failures < 2,
  },
  delays: { holdOpen: 5000, coolDown: 1000 },
}).createMachine({
  id: "door",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, failures: 0 }),
  initial: "found",
  states: {
    found: {
      description: "Looks how the door stands",
      always: [{ guard: "wasAjar", target: "opening" }, { target: "closed" }],
    },
    closed: {
      description: "Closed, until somebody presses the button",
      on: { "button.pressed": "opening" },
    },
    opening: {
      description: "Opens, until the motor says that it is open",
      entry: { type: "openDoor", params: {} },
      on: { "door.opened": { target: "open", actions: "forgetFailures" } },
    },
    open: {
      description: "Open, for as long as nobody passes",
      on: { "beam.broken": { target: "open", reenter: true } },
      after: { holdOpen: "closing" },
    },
    closing: {
      description: "Closes, until the motor says that it is closed",
      entry: { type: "closeDoor", params: {} },
      on: {
        "door.closed": { target: "closed", actions: "forgetFailures" },
        "beam.broken": "opening",
        "button.pressed": "opening",
      },
    },
    resting: {
      description: "The motor failed and cools down before the next attempt",
      after: { coolDown: "opening" },
    },
    broken: {
      description: "The motor failed three times; somebody has to repair it",
      entry: { type: "callForHelp", params: ({ context }) => ({ failures: context.failures }) },
      on: { "door.repaired": { target: "opening", actions: "forgetFailures" } },
    },
  },
  on: {
    "motor.failed": [
      { guard: "mayTryAgain", target: ".resting", actions: "countFailure" },
      { target: ".broken", actions: "countFailure" },
    ],
  },
});
