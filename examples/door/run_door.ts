/**
 * A door under a simulated clock: its story, and why it is where it is.
 *
 *     deno run examples/door/run_door.ts
 */
import { ActorSystem, address, type Clock, explainInWords, SimulatedClock } from "../../mod.ts";
import { doorKind, type Motor } from "./door_actor.ts";

/** A motor that takes two seconds, and fails each time that `fails` says so. */
function simulatedMotor(clock: Clock, fails: () => boolean): Motor {
  return {
    turn: (_, signal) =>
      new Promise((resolve, reject) => {
        const wake = clock.wakeAt(clock.now() + 2000, () => fails() ? reject(new Error("It is stuck")) : resolve());
        signal.addEventListener("abort", () => wake.cancel());
      }),
  };
}

/** Everything the door did, line by line. */
export async function runDoor(): Promise<string[]> {
  const story: string[] = [];
  const clock = new SimulatedClock();
  const system = new ActorSystem({ clock });
  const at = address({ node: "house", kind: "door", name: "front" });
  let fails = false;

  system.inspect((inspection) => {
    if (inspection.type !== "transition") return;
    const { event, snapshot, at } = inspection;
    story.push(`${String(at).padStart(5)} ms  ${event.type.replace(/\.door\..*/, "").padEnd(24)} ${snapshot.value}`);
  });
  const kind = doorKind(simulatedMotor(clock, () => fails), (failures) => story.push(`Help! ${failures} failures`));
  const door = system.spawn(kind, {
    address: at,
    input: { found: "closed" },
    recover: () => ({ found: "ajar" }),
  });

  door.send({ type: "button.pressed" });
  await clock.pass(8000);
  door.send({ type: "beam.broken" });
  await clock.pass(4000);
  fails = true;
  await clock.pass(5500);
  story.push("", ...explainInWords(system.report(at)!));
  system.stopAll();
  return story;
}

if (import.meta.main) console.log((await runDoor()).join("\n"));
