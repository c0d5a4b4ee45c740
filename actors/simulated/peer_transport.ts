/** A member's transport for its process: nothing leaves or reaches a dead one, and a slow or stalled one reads late. */
import type { Transport } from "../../ports/transport.ts";
import type { SimulatedProcess } from "./simulated_process.ts";
import type { SimulatedNetwork } from "./simulated_transport.ts";

export function joinAs(process: SimulatedProcess, network: SimulatedNetwork, name: string): Transport {
  const own = network.join(name);
  process.onDeath(() => void own.close());
  return {
    self: own.self,
    send: (to, message) => {
      if (process.alive) own.send(to, message);
    },
    listen: (receiver) =>
      own.listen({
        received: (from, message) => process.soon(() => receiver.received(from, message)),
        unreachable: (peer) => process.soon(() => receiver.unreachable?.(peer)),
      }),
    setPeers: (peers) => own.setPeers(peers),
    close: () => own.close(),
  };
}
