/** The images of a simulated cluster: what their processes do follows from the name. */
import type { Behaviour, SimulatedImage } from "../../actors/simulated/container_behaviour.ts";
import type { SimulatedRandom } from "../../actors/simulated/simulated_random.ts";
import type { ContainerDraft } from "../../ports/container_runtime.ts";

type Draw = (random: SimulatedRandom) => Behaviour;

/** By the image's name without tag. Tags only tell revisions apart. */
const behaviours: Readonly<Record<string, Draw>> = {
  /** Runs until it is told to stop. */
  server: () => ({}),
  slow: (random) => ({ startDelayMs: 500 + random.below(5_000) }),
  /** Does not heed the stop signal. */
  stubborn: () => ({ ignoresStopSignal: true }),
  /** Dies now and then. */
  flaky: (random) => ({ endsAfterMs: 20_000 + random.below(200_000), exitCode: 1 }),
  task: (random) => ({ endsAfterMs: 1_000 + random.below(20_000) }),
  /** A task that sometimes fails. */
  attempt: (random) => ({ endsAfterMs: 1_000 + random.below(10_000), exitCode: random.below(3) === 0 ? 1 : 0 }),
};

export type ImageName = keyof typeof behaviours;

/** `calm`: programs do not die of themselves any more. */
export function behaviourOf(
  { image }: ContainerDraft,
  random: SimulatedRandom,
  calm: boolean,
): Behaviour | undefined {
  const name = image.replace(/^sha256:/, "").split(":")[0]!;
  if (calm && name === "flaky") return {};
  return Object.hasOwn(behaviours, name) ? behaviours[name]!(random) : undefined;
}

/** Whatever is asked for can be pulled, but for `missing`. */
export function everyImage(): Record<string, SimulatedImage> {
  return new Proxy<Record<string, SimulatedImage>>({}, {
    get(images, name) {
      if (typeof name !== "string") return undefined;
      if (name.startsWith("sha256:")) return images[name];
      return images[name] ??= name.startsWith("missing") ? { remote: true, pullError: "manifest unknown" } : {
        remote: true,
        pullDelayMs: 300,
      };
    },
  });
}
