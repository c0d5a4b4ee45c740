/** What of a trace of the shipped charts is checked beside the charts themselves, by the machine's id. */
import type { TraceRules, TraceStep } from "../check/trace_check.ts";

/**
 * Events that come by themselves: they answer no order of the actor, and no actor of its process sent them. What other
 * processes say (members of a store to each other) is among them.
 */
export const spontaneousFacts: Readonly<Record<string, readonly string[]>> = {
  apiServer: ["stop.requested", "store.failed"],
  container: ["container.changed", "container.exited", "container.startAsked"],
  controller: ["controller.stopped"],
  dns: ["socket.failed"],
  informer: ["batch.received"],
  kubeProxy: ["proxy.removalAsked", "services.changed"],
  kubelet: ["pods.changed", "pods.synced", "runtime.lost"],
  leaderElection: ["candidate.withdrawn"],
  loadBalancer: ["services.changed"],
  node: ["node.changed"],
  nodeHealth: ["heartbeat.seen", "node.removed"],
  nodeNetwork: ["docker.started", "network.removalAsked"],
  pod: ["pod.deletionAsked", "pod.objectRemoved", "sandbox.died"],
  podStatus: ["pod.moved"],
  raft: [
    "append.accepted",
    "append.refused",
    "append.requested",
    "candidacy.urged",
    "change.proposed",
    "connection.lost",
    "heartbeat.answered",
    "heartbeat.sent",
    "preVote.granted",
    "preVote.refused",
    "preVote.requested",
    "proposal.made",
    "reads.answered",
    "reads.requested",
    "reads.wanted",
    "snapshot.made",
    "snapshot.offered",
    "transfer.wanted",
    "vote.granted",
    "vote.refused",
    "vote.requested",
  ],
  replica: [
    "alarm.cleared",
    "alarm.raised",
    "entries.applied",
    "member.failed",
    "member.ready",
    "member.removed",
    "snapshot.received",
    "storage.closeRequested",
  ],
  "role-process": ["process.ready", "stop.demanded", "stop.requested"],
  scheduler: ["scheduler.stopped"],
  scheduling: ["cluster.changed", "gates.removed", "pod.removed"],
  storeMember: ["proposals.waiting", "storage.closeRequested"],
  supervisor: ["master.gone", "master.ready", "node.gone", "node.ready", "stop.demanded", "stop.requested"],
  volumeRefresh: ["sources.changed"],
};

const oneAtATime = (...types: readonly string[]) => ({ outstanding }: TraceStep) =>
  outstanding.filter((type) => types.includes(type)).length <= 1;

const neverLess = (field: string) => ({ before, after }: TraceStep) => {
  const number = (context: unknown) => (context as Record<string, number>)[field]!;
  return before === undefined || number(after.context) >= number(before.context);
};

export const traceRules: TraceRules = {
  container: { "a container is made and started once at a time": oneAtATime("createContainer", "startContainer") },
  informer: { "one list at a time": oneAtATime("listObjects") },
  kubeProxy: { "one change of the rules at a time": oneAtATime("writeChanges", "replaceRules", "removeRules") },
  leaderElection: { "one write of the lease at a time": oneAtATime("takeLease", "renewLease", "releaseLease") },
  pod: {
    "who ends does not begin again": ({ before, after }) =>
      before === undefined || !before.matches("terminating") || !after.matches("active"),
  },
  podStatus: { "one write at a time": oneAtATime("writeStatus") },
  raft: {
    "its term never goes back": neverLess("term"),
    "what is committed stays committed": neverLess("commit"),
    "nothing is applied twice": neverLess("applied"),
  },
  scheduling: { "a pod is placed and bound once at a time": oneAtATime("takeTurn", "bindPod") },
  storeMember: { "one batch at a time": oneAtATime("writeBatch") },
  workItem: { "one reconciliation of a key at a time": oneAtATime("reconcile") },
};
