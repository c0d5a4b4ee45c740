import { SimulatedPacketFilter } from "../../../actors/simulated/packet_filter.ts";
import { SimulatedLinks, SimulatedPodNetwork } from "../../../actors/simulated/pod_network.ts";
import { packetFilterContract } from "../../contracts/packet_filter_contract.ts";
import { podNetworkContract } from "../../contracts/pod_network_contract.ts";

for (const { name, check } of packetFilterContract) {
  Deno.test(`SimulatedPacketFilter ${name}`, () => check(new SimulatedPacketFilter(), "contract"));
}

for (const { name, check } of podNetworkContract) {
  Deno.test(`SimulatedPodNetwork ${name}`, () => {
    const links = new SimulatedLinks();
    const podCidr = "10.160.0.0/24";
    const start = () => Promise.resolve(new SimulatedPodNetwork(podCidr, links));
    return check({ podCidr, pids: [1, 2], start });
  });
}
