import { BridgePodNetwork } from "../../actors/pod_network/bridge_pod_network.ts";
import { removalScript } from "../../machines/kube_proxy/nft_script.ts";
import { packetFilterContract } from "../contracts/packet_filter_contract.ts";
import { podNetworkContract } from "../contracts/pod_network_contract.ts";
import { networkTest, startProcess } from "./harness.ts";

for (const { name, check } of packetFilterContract) {
  networkTest(`NftPacketFilter ${name}`, 33, async ({ packetFilter, plan }) => {
    try {
      await check(packetFilter, plan.servicesTable);
    } finally {
      await packetFilter.apply(removalScript(plan.servicesTable));
    }
  });
}

for (const { name, check } of podNetworkContract) {
  networkTest(`BridgePodNetwork ${name}`, 33, async ({ plan, packetFilter }) => {
    const processes = [await startProcess(), await startProcess()] as const;
    const start = async () => {
      const network = new BridgePodNetwork({ plan, node: 0, packetFilter });
      await network.setUp();
      return network;
    };
    try {
      const [a, b] = processes;
      const { podCidr } = new BridgePodNetwork({ plan, node: 0, packetFilter }).nodePlan;
      await check({ podCidr, pids: [a.pid, b.pid], start });
    } finally {
      for (const process of processes) {
        process.kill("SIGKILL");
        await process.status;
      }
    }
  });
}
