import { realClock } from "../actors/real/real_clock.ts";
import { ActorSystem } from "../actors/system.ts";
import { sendTraces } from "./traces.ts";
import { reportUncaught } from "./uncaught.ts";

/** An actor system that says which of its actors failed, in a process that says what else did; and traces, if asked. */
export function reportingSystem(report: (problem: string) => void): ActorSystem {
  reportUncaught(report);
  const system = new ActorSystem({ clock: realClock });
  system.inspect((inspection) => {
    if (inspection.type === "actor.failed") report(`${inspection.actor} failed: ${inspection.detail}`);
  });
  void sendTraces(system);
  return system;
}
