/** Parts that occur more than once in the pod's chart, and whose names its orders carry. */
import { currentInit, lastSidecar, mainContainers, type Members, type Standing } from "./standing.ts";

/** Takes down how a container stands. */
export const note = (at: Standing) => ({
  actions: { type: "note", params: ({ event }: { event: { name: string } }) => ({ name: event.name, at }) },
} as const);

type Here = { context: Members & { graceMs: number } };
export const mains = ({ context }: Here) => ({ names: mainContainers(context), graceMs: context.graceMs });
export const sidecar = ({ context }: Here) => {
  const name = lastSidecar(context);
  return { names: name === undefined ? [] : [name], graceMs: context.graceMs };
};
/** Whose turn it is. */
export const current = ({ context }: Here) => {
  const init = currentInit(context);
  return { names: init === undefined ? [] : [init.name] };
};
/** Those that begin once sandbox and volumes are there. */
export const first = ({ context }: Here) => {
  const init = currentInit(context);
  return { names: init === undefined ? [...context.apps] : [init.name] };
};
export const apps = ({ context }: Here) => ({ names: [...context.apps] });
/** With the sidecars: after the kubelet was restarted they too must hear that they may run. */
export const appsAndSidecars = ({ context }: Here) => ({
  names: [...context.inits.filter(({ sidecar }) => sidecar).map(({ name }) => name), ...context.apps],
});

/** Stops everything, the main containers first and together, then the sidecars one by one, and goes on. */
export const stopsAll = <Next extends string>(next: Next) => ({
  initial: "choosing",
  states: {
    choosing: {
      description: "Looks whether a main container still runs.",
      always: [{ guard: "mainAreOver", target: "sidecars" }, { target: "mains" }],
    },
    mains: {
      description: "The main containers were asked to stop: waits until all have ended.",
      entry: { type: "stopContainers", params: mains },
      always: { guard: "mainAreOver", target: "sidecars" },
    },
    sidecars: {
      description: "Looks whether a sidecar still runs.",
      always: [{ guard: "allAreOver", target: next }, { target: "sidecar" }],
    },
    sidecar: {
      description: "The last sidecar was asked to stop: waits until it has ended.",
      entry: { type: "stopContainers", params: sidecar },
      on: { "container.stopped": { target: "sidecars", ...note("stopped") } },
    },
  },
} as const);

/** An ended pod gives back what it does not need any more. */
export const releases = {
  initial: "releasing",
  states: {
    releasing: {
      description: "Kills the sandbox and frees the address; the containers stay for their logs.",
      entry: { type: "removeSandbox", params: { everything: false } },
      on: { "sandbox.removed": "unmounting", "sandbox.removeFailed": "retrying" },
    },
    unmounting: {
      description: "Unmounts the volumes.",
      entry: { type: "unmountVolumes", params: {} },
      on: { "volumes.unmounted": "released", "volumes.unmountFailed": "retrying" },
    },
    retrying: {
      description: "Something could not be given back; tries again in a moment.",
      after: { retryDelay: "releasing" },
    },
    released: { description: "Nothing is left to do until the object is deleted." },
  },
} as const;
