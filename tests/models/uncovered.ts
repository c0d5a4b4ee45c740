/** What no small model takes of the charts in it, by reason; raft apart each is taken where its machine is explored alone. */
export const uncovered: Readonly<Record<string, readonly string[]>> = {
  "the runtime tells the death of a sandbox once": [
    "pod: active.recreating --sandbox.died--> (stays)",
  ],
  "a sandbox that dies when only sidecars are left: a second death or exit, too many states for a small model": [
    "pod: active.recreating.stopping.choosing --always [mainAreOver]--> active.recreating.stopping.sidecars",
  ],
  "a deadline that passes when only sidecars are left": [
    "pod: expiring.choosing --always [mainAreOver]--> expiring.sidecars",
  ],
  "a failed deletion and one by force: three budgets, too many states for a small model": [
    "pod: terminating.deleteBackOff --pod.objectRemoved--> gone",
  ],
  "the pod asks nobody to start whom it has asked to stop, one that was adopted apart; the chart is safe without that":
    [
      "container: preparing.unwanted --container.startAsked--> (stays)",
      "container: stopping --container.startAsked--> (stays)",
    ],
  "left out on purpose: nothing may depend on the look that comes every five minutes": [
    "scheduling: unschedulable --after flushInterval--> queued",
  ],
  "a server that cannot begin has no requests to lose": [
    "apiServer: openingStore --store.refused--> failed",
    "apiServer: startingToListen --listen.failed--> failing",
  ],
  "nobody withdraws from the model's election; whoever does releases the lease, which only shortens what it looks at": [
    "leaderElection: following --candidate.withdrawn--> withdrawn",
    "leaderElection: taking --candidate.withdrawn--> releasing",
    "leaderElection: leading --candidate.withdrawn--> releasing",
    "leaderElection: releasing --lease.released--> withdrawn",
  ],
  "what comes rarely, taken in `raft_rare_events_test.ts` one event at a time": [
    "raft: member --disk.failed--> failed",
    "raft: member --timeout.drawn--> (stays)",
    "raft: member --reads.answered [isOfNewerTerm]--> member.follower",
    "raft: member --reads.requested [isOfNewerTerm]--> member.follower",
    "raft: member --vote.granted [isOfNewerTerm]--> member.follower",
    "raft: member --vote.refused [isOfNewerTerm]--> member.follower",
    "raft: member --append.accepted [isOfNewerTerm]--> member.follower",
    "raft: member --append.refused [isOfNewerTerm]--> member.follower",
    "raft: member --snapshot.offered [isOfNewerTerm]--> member.follower",
    "raft: member --snapshot.offered [isOfOlderTerm]--> (stays)",
    "raft: member.follower.led --connection.lost [isLeader]--> member.follower.bereft",
  ],
  "the random walks through everything at once take it (`raft_walk_test.ts`, `deno task check:raft walks`); too many states here":
    [
      "raft: member --proposal.made--> (stays)",
      "raft: member --change.proposed--> (stays)",
      "raft: member.preCandidate --preVote.refused [isOfThisTerm]--> (stays)",
      "raft: member.preCandidate --vote.requested [mayVote]--> member.follower",
      "raft: member.preCandidate --heartbeat.sent [isOfThisTerm]--> member.follower",
      "raft: member.preCandidate --always [isRejected]--> member.follower",
      "raft: member.leader --vote.requested [isUnwishedElection]--> (stays)",
      "raft: member.learner --heartbeat.sent [isOfThisTerm]--> (stays)",
      "raft: member.learner --snapshot.offered [isOfThisTerm]--> (stays)",
      'raft: guard "mayPropose" never refuses',
      'raft: guard "isTransferable" never refuses',
    ],
  "taken by no model and no walk: it needs a member that is behind in just that moment, or a connection that breaks": [
    "raft: member --candidacy.urged [isOfNewerTerm]--> member.follower",
    "raft: member.follower --always [isRemoved]--> removed",
    "raft: member.follower.bereft --after turn [mayStand]--> member.preCandidate",
    "raft: member.follower.bereft --after turn #2--> member.follower.leaderless",
    "raft: member.preCandidate --snapshot.offered [isOfThisTerm]--> member.follower",
    "raft: member.candidate --heartbeat.sent [isOfThisTerm]--> member.follower",
    "raft: member.candidate --snapshot.offered [isOfThisTerm]--> member.follower",
    "raft: member.leader --snapshot.notSent--> (stays)",
    "raft: member.leader --connection.lost--> (stays)",
    "raft: member.learner --vote.requested [mayVote]--> (stays)",
    'raft: guard "isOfOlderTerm" never refuses',
    'raft: guard "isOfNextTerm" never refuses',
    'raft: guard "isLeader" is never asked',
    'raft: guard "isSnapshotUsable" never refuses',
  ],
};

/** Charts that no model has in it: they are explored alone, each in the test named, with every order of their events. */
export const alone: Readonly<Record<string, string>> = {
  apiConnection: "tests/models/api_connection_model_test.ts",
  apiService: "tests/models/api_service_model_test.ts",
  auditDelivery: "tests/models/audit_delivery_model_test.ts",
  compaction: "tests/models/compaction_model_test.ts",
  controller: "tests/models/controllers_model_test.ts",
  dns: "tests/models/dns_model_test.ts",
  informer: "tests/models/informer_model_test.ts",
  kubeProxy: "tests/models/kube_proxy_model_test.ts",
  kubelet: "tests/models/kubelet_model_test.ts",
  lease: "tests/models/kubelet_model_test.ts",
  loadBalancer: "tests/models/load_balancer_model_test.ts",
  node: "tests/models/kubelet_model_test.ts",
  nodeHealth: "tests/models/controllers_model_test.ts",
  nodeNetwork: "tests/models/node_network_model_test.ts",
  podStatus: "tests/models/kubelet_model_test.ts",
  probe: "tests/models/probe_model_test.ts",
  replica: "tests/models/replica_model_test.ts",
  "role-process": "tests/models/supervisor_model_test.ts",
  scheduler: "tests/models/scheduling_model_test.ts",
  simulatedNode: "tests/models/simulated_node_model_test.ts",
  storeMember: "tests/machines/store/store_member_machine_test.ts",
  supervisor: "tests/models/supervisor_model_test.ts",
  volumeRefresh: "tests/models/kubelet_model_test.ts",
  workItem: "tests/models/work_item_model_test.ts",
};
