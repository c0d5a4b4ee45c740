/** The project's statecharts by id, each loaded when it is asked for. */
import type { AnyStateMachine } from "xstate";

export const machines: Readonly<Record<string, () => Promise<AnyStateMachine>>> = {
  apiConnection: async () =>
    (await import("../machines/api_connection/api_connection_machine.ts")).apiConnectionMachine,
  apiServer: async () => (await import("../machines/api_server/api_server_machine.ts")).apiServerMachine,
  apiService: async () => (await import("../machines/aggregation/api_service_machine.ts")).apiServiceMachine,
  auditDelivery: async () => (await import("../machines/audit/audit_delivery_machine.ts")).auditDeliveryMachine,
  compaction: async () => (await import("../machines/store/compaction_machine.ts")).compactionMachine,
  container: async () => (await import("../machines/container/container_machine.ts")).containerMachine,
  controller: async () => (await import("../machines/controllers/controller_machine.ts")).controllerMachine,
  dns: async () => (await import("../machines/dns/dns_machine.ts")).dnsMachine,
  informer: async () => (await import("../machines/informer/informer_machine.ts")).informerMachine,
  kubeProxy: async () => (await import("../machines/kube_proxy/kube_proxy_machine.ts")).kubeProxyMachine,
  kubelet: async () => (await import("../machines/kubelet/kubelet_machine.ts")).kubeletMachine,
  leaderElection: async () =>
    (await import("../machines/leader_election/leader_election_machine.ts")).leaderElectionMachine,
  lease: async () => (await import("../machines/node/lease_machine.ts")).leaseMachine,
  loadBalancer: async () => (await import("../machines/load_balancer/load_balancer_machine.ts")).loadBalancerMachine,
  node: async () => (await import("../machines/node/node_machine.ts")).nodeMachine,
  nodeHealth: async () =>
    (await import("../machines/controllers/node_lifecycle/node_health_machine.ts")).nodeHealthMachine,
  nodeNetwork: async () => (await import("../machines/network/node_network_machine.ts")).nodeNetworkMachine,
  pod: async () => (await import("../machines/pod/pod_machine.ts")).podMachine,
  podStatus: async () => (await import("../machines/kubelet/status_machine.ts")).statusMachine,
  probe: async () => (await import("../machines/probe/probe_machine.ts")).probeMachine,
  raft: async () => (await import("../machines/raft/raft_machine.ts")).raftMachine,
  replica: async () => (await import("../machines/store/replica_machine.ts")).replicaMachine,
  "role-process": async () => (await import("../machines/supervisor/role_process_machine.ts")).roleProcessMachine,
  scheduler: async () => (await import("../machines/scheduler/scheduler_machine.ts")).schedulerMachine,
  scheduling: async () => (await import("../machines/scheduler/scheduling_machine.ts")).schedulingMachine,
  simulatedNode: async () =>
    (await import("../machines/simulated_nodes/simulated_node_machine.ts")).simulatedNodeMachine,
  storeMember: async () => (await import("../machines/store/store_member_machine.ts")).storeMemberMachine,
  supervisor: async () => (await import("../machines/supervisor/supervisor_machine.ts")).supervisorMachine,
  volumeRefresh: async () => (await import("../machines/volumes/refresh_machine.ts")).refreshMachine,
  workItem: async () => (await import("../machines/controllers/work_item_machine.ts")).workItemMachine,
};
