/** Listens for signs of life of every node, one actor per node. */
import { unknownConditions } from "../../machines/controllers/node_lifecycle/node_conditions.ts";
import { nodeHealthMachine } from "../../machines/controllers/node_lifecycle/node_health_machine.ts";
import type { Lease, Node } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { actorKind, address } from "../system.ts";
import type { ControllerHost } from "./controller_actor.ts";

const leaseNamespace = "kube-node-lease";

/** Starts below `host.supervisor`; answers how to stop. */
export function startNodeHealth(host: ControllerHost): () => void {
  const { system, informers, client } = host;
  const nodes = informers.of<Node>(resources.nodes);
  const leases = informers.of<Lease>(resources.leases);
  const at = (node: string) => address({ node: host.node, kind: "node-health", name: node });
  const kind = actorKind("node-health", nodeHealthMachine, {
    markUnknown: async ({ node: name }, order) => {
      const node = await client.get<Node>(resources.nodes, undefined, name);
      const conditions = unknownConditions(node, system.clock.wallTime());
      const status = { ...node.status, conditions };
      if (!order.outstanding) return; // It has shown a sign of life while it was read.
      nodes.learn(await client.update<Node>(resources.nodes, { ...node, status }, { subresource: "status" }));
      return { type: "conditions.marked" } as const;
    },
    stopMarking: () => {},
  });
  const heartbeat = (node: string) => {
    if (system.get(at(node)) !== undefined) system.tell(at(node), { type: "heartbeat.seen" });
  };
  const stops = [
    nodes.subscribe({
      changed(changes) {
        for (const change of changes) {
          const { name } = change.object.metadata;
          if (change.type === "removed") {
            if (system.get(at(name)) !== undefined) system.tell(at(name), { type: "node.removed" });
          } else if (system.get(at(name)) === undefined) {
            const supervisor = host.supervisor === undefined ? {} : { supervisor: host.supervisor };
            system.spawn(kind, { address: at(name), ...supervisor, input: { node: name } });
          } else if (change.type === "updated" && isPosted(change.object, change.previous)) {
            heartbeat(name);
          }
        }
      },
    }),
    leases.subscribe({
      changed(changes) {
        for (const change of changes) {
          // A lease that is there when this controller starts says nothing about when it was renewed.
          if (change.type !== "updated" || change.object.metadata.namespace !== leaseNamespace) continue;
          if (change.object.spec?.renewTime !== change.previous.spec?.renewTime) heartbeat(change.object.metadata.name);
        }
      },
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Whether the kubelet itself has posted this status: that nothing is known of it any more is said by this controller. */
function isPosted(node: Node, previous: Node): boolean {
  const [now, before] = [readyOf(node), readyOf(previous)];
  if (now === undefined || now.status === "Unknown") return false;
  return now.lastHeartbeatTime !== before?.lastHeartbeatTime || before?.status === "Unknown";
}

function readyOf(node: Node) {
  return node.status?.conditions?.find(({ type }) => type === "Ready");
}
