/** How a door's orders are carried out: a table from order to motor. Nothing is decided here. */
import { type ActorKind, actorKind } from "../../mod.ts";
import { doorMachine } from "./door_machine.ts";

/** The world, as a door sees it. A motor that cannot do it throws; it stops when the order is called off. */
export interface Motor {
  turn(direction: "open" | "close", signal: AbortSignal): Promise<void>;
}

export function doorKind(motor: Motor, callForHelp: (failures: number) => void): ActorKind<typeof doorMachine> {
  return actorKind("door", doorMachine, {
    openDoor: async (_, { signal }) => {
      await motor.turn("open", signal);
      return { type: "door.opened" };
    },
    closeDoor: async (_, { signal }) => {
      await motor.turn("close", signal);
      return { type: "door.closed" };
    },
    callForHelp: ({ failures }) => callForHelp(failures),
  });
}
