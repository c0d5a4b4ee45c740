import { realClock } from "../../../actors/real/real_clock.ts";
import type { Behaviour } from "../../../actors/simulated/container_behaviour.ts";
import { SimulatedRuntime } from "../../../actors/simulated/container_runtime.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import { containerRuntimeContract } from "../../contracts/container_runtime_contract.ts";

const behaviours: Record<string, Behaviour> = {
  runs: { exec: (_, stdin) => ({ exitCode: 7, stdout: stdin }) },
  ignoresStop: { ignoresStopSignal: true },
  talks: { endsAfterMs: 5, exitCode: 3, stdout: "out\n", stderr: "err\n" },
  cannotStart: { startError: "no such file" },
};

containerRuntimeContract("SimulatedRuntime", () =>
  Promise.resolve({
    runtime: new SimulatedRuntime({
      clock: realClock,
      random: new SimulatedRandom(1),
      images: { "test:1": {} },
      behave: ({ command }) => behaviours[command?.[0] ?? ""],
    }),
    image: "test:1",
    programs: {
      runs: { command: ["runs"] },
      ignoresStop: { command: ["ignoresStop"] },
      talks: { command: ["talks"] },
      cannotStart: { command: ["cannotStart"] },
    },
    echo: ["echo"],
  }));
