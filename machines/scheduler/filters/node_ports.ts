import type { Filter } from "../plugin.ts";

/** Host ports must be free. */
export const nodePorts: Filter = {
  name: "NodePorts",
  applies: ({ hostPorts }) => hostPorts.length > 0,
  check: ({ hostPorts }, node) =>
    hostPorts.some((port) => node.isTaken(port))
      ? { reasons: ["node(s) didn't have free ports for the requested pod ports"], preemptible: true }
      : undefined,
  wakesOn: ["nodeAdded", "podGone"],
};
