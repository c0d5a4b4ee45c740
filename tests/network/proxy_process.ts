/** A service proxy in a process of its own, to be killed: arguments are the cluster's index and a pod's address. */
import { NftPacketFilter } from "../../actors/nftables/nft_packet_filter.ts";
import { addressPlan, nodePlan } from "../../machines/network/address_plan.ts";
import { Proxied } from "./proxied.ts";

const [index = "", podIP = ""] = Deno.args;
const plan = addressPlan(Number(index));
const world = new Proxied({ plan, packetFilter: new NftPacketFilter(), networks: [{ nodePlan: nodePlan(plan, 0) }] });
world.put("web", { clusterIP: plan.serviceCidr.replace(/0\/17$/, "20"), ports: [{ port: 80 }] }, [podIP]);
await world.settle();
console.log("settled");
setInterval(() => {}, 60_000);
