/** The containers of a modelled pod: their shipped chart, and what may come to it by itself. */
import type { AnyMachineSnapshot } from "xstate";
import { type ContainerEvent, type ContainerInput, containerMachine } from "../container/container_machine.ts";
import { type ContainerSnapshot, containerSnapshot } from "../container/container_view.ts";
import { type PossibleEvent, type SystemActor, systemActor } from "../check/system_model.ts";

export interface ContainerWorld {
  /** Images may be absent and pulls fail, once each in a row. */
  readonly images?: boolean;
  /** Its liveness probe may fail. */
  readonly liveness?: boolean;
  /** Its definition may change, with a budget of that name. */
  readonly changes?: boolean;
  /** A run may last so long that earlier crashes are forgiven. */
  readonly stableRuns?: boolean;
}

/** What the API may say of a running container. */
export type SavedStanding = ContainerInput["standing"];

export type ContainerActor = SystemActor<typeof containerMachine, ContainerSnapshot | undefined, SavedStanding>;

export function containerActor(
  name: string,
  input: ContainerInput,
  { images = false, liveness = false, changes = false, stableRuns = false }: ContainerWorld,
  machine: typeof containerMachine = containerMachine,
): ContainerActor {
  const asks = (type: string) => (_: unknown, self: string) => ({ to: "runtime", event: { type, name: self } });
  const { readinessProbe, startupProbe } = input;
  const spending = (event: ContainerEvent, spends: string): PossibleEvent<ContainerEvent> => ({ event, spends });
  return systemActor(name, machine, {
    input,
    facts: images ? {} : { "image.absent": [], "image.pullFailed": [] },
    sends: {
      createContainer: asks("container.createAsked"),
      startContainer: asks("container.startAsked"),
      stopContainer: asks("container.stopAsked"),
      killContainer: asks("container.killAsked"),
      tellPod: ({ fact }: { fact: string }, self: string) => ({
        to: "pod",
        event: { type: `container.${fact}`, name: self },
      }),
    },
    events: (local) => {
      if (!local.is("running")) return [];
      return [
        ...(startupProbe ? [spending({ type: "probe.passed", probe: "startup" }, "probes")] : []),
        ...(readinessProbe
          ? [
            spending({ type: "probe.passed", probe: "readiness" }, "probes"),
            spending({ type: "probe.failed", probe: "readiness" }, "probes"),
          ]
          : []),
        ...(liveness ? [spending({ type: "probe.failed", probe: "liveness" }, "probes")] : []),
        ...(changes ? [spending({ type: "container.changed" }, "changes")] : []),
      ];
    },
    allows: (event, local) => {
      const { pullFailures } = local.snapshot!.context;
      if (event.type === "image.absent" || event.type === "image.pullFailed") return pullFailures === 0;
      return stableRuns || !event.type.includes("stableRun");
    },
    ...((readinessProbe || startupProbe) && {
      saves: ({ snapshot }): SavedStanding => {
        const { context, value } = snapshot as AnyMachineSnapshot;
        if ((context as { ready: boolean }).ready) return "ready";
        return containerSnapshot({ value, context } as AnyMachineSnapshot).started ? "started" : "none";
      },
    }),
    view: (local) => local.snapshot === undefined ? undefined : containerSnapshot(local.snapshot),
  });
}
