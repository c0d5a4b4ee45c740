/** The controllers of a cluster, run by whichever master leads. A new controller is one folder and one row here. */
import {
  bootstrapSigner,
  type SignDetached,
  tokenCleaner,
} from "../../machines/controllers/bootstrap_tokens/bootstrap_controllers.ts";
import {
  certificateApprover,
  certificateCleaner,
  certificateSigner,
} from "../../machines/controllers/certificates/certificate_controllers.ts";
import type { Controller } from "../../machines/controllers/controller.ts";
import { disruptionController } from "../../machines/controllers/disruption/disruption_controller.ts";
import { cronJobController } from "../../machines/controllers/cron_job/cron_job_controller.ts";
import { daemonSetController } from "../../machines/controllers/daemon_set/daemon_set_controller.ts";
import { deploymentController } from "../../machines/controllers/deployment/deployment_controller.ts";
import { endpointSliceMirroringController } from "../../machines/controllers/endpoint_slice_mirroring/endpoint_slice_mirroring_controller.ts";
import { endpointSliceController } from "../../machines/controllers/endpoints/endpoint_slice_controller.ts";
import { endpointsController } from "../../machines/controllers/endpoints/endpoints_controller.ts";
import { garbageCollector } from "../../machines/controllers/garbage_collector/garbage_collector.ts";
import { jobController } from "../../machines/controllers/job/job_controller.ts";
import { namespaceController } from "../../machines/controllers/namespace/namespace_controller.ts";
import { nodeLifecycleController } from "../../machines/controllers/node_lifecycle/node_lifecycle_controller.ts";
import { podGarbageCollector } from "../../machines/controllers/pod_gc/pod_gc_controller.ts";
import { replicaSetController } from "../../machines/controllers/replica_set/replica_set_controller.ts";
import { replicationController } from "../../machines/controllers/replication_controller/replication_controller.ts";
import { resourceQuotaController } from "../../machines/controllers/resource_quota/resource_quota_controller.ts";
import { type ResourceKind, resourceTable } from "../../machines/controllers/resource_table.ts";
import {
  rootCaController,
  serviceAccountController,
} from "../../machines/controllers/service_account/service_account_controllers.ts";
import { statefulSetController } from "../../machines/controllers/stateful_set/stateful_set_controller.ts";
import { taintEvictionController } from "../../machines/controllers/taint_eviction/taint_eviction_controller.ts";
import { ttlAfterFinishedController } from "../../machines/controllers/ttl_after_finished/ttl_after_finished_controller.ts";
import { resources } from "../../machines/objects/resources.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { CertificateAuthority } from "../../ports/certificate_authority.ts";
import type { Random } from "../../ports/random.ts";
import { SharedInformers } from "../informer.ts";
import type { ActorSystem, Address } from "../system.ts";
import { startController } from "./controller_actor.ts";
import { startCandidate } from "./leader_election_actor.ts";
import { startNodeHealth } from "./node_health_actor.ts";
import { zoneOffset } from "./time_zones.ts";

export interface ControllerManagerOptions {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly identity: string;
  /** A client with the user of a controller's service account. */
  clientFor(account: string): ApiClient;
  readonly random: Random;
  /** Resources that can be listed, watched and deleted. */
  readonly resources: readonly ResourceKind[];
  /** The CA that signed the API server's certificate, PEM. */
  readonly rootCa: string;
  /** Its key; absent: nothing is signed here. */
  readonly certificates?: CertificateAuthority;
  /** Signs what machines that join want to know; absent: nobody joins. */
  readonly signDetached?: SignDetached;
}

function controllers(options: ControllerManagerOptions): Controller[] {
  const everything = resourceTable(options.resources);
  // Events have no owners and no dependents, and come and go by the thousand.
  const owned = resourceTable(
    options.resources.filter(({ resource }) => resource.resource !== resources.events.resource),
  );
  return [
    deploymentController,
    replicaSetController,
    replicationController,
    daemonSetController,
    statefulSetController,
    jobController,
    cronJobController(zoneOffset),
    ttlAfterFinishedController,
    endpointSliceController,
    endpointsController,
    endpointSliceMirroringController,
    serviceAccountController,
    rootCaController(options.rootCa),
    namespaceController(everything),
    garbageCollector(owned),
    nodeLifecycleController,
    taintEvictionController,
    podGarbageCollector,
    resourceQuotaController(everything),
    disruptionController,
    ...(options.certificates === undefined ? [] : [certificateApprover, certificateSigner, certificateCleaner]),
    ...(options.signDetached === undefined ? [] : [bootstrapSigner(options.signDetached), tokenCleaner]),
  ];
}

/** Runs for office at once and the controllers while in office. */
export function startControllerManager(options: ControllerManagerOptions): Address {
  const { system, node } = options;
  const client = options.clientFor("kube-controller-manager");
  let stop = () => {};
  return startCandidate({
    system,
    node,
    client,
    component: "kube-controller-manager",
    identity: options.identity,
    startLeading(self) {
      const informers = new SharedInformers(system, { node, scope: "controllers", client, supervisor: self });
      const { random, certificates } = options;
      const signing = certificates === undefined ? {} : { certificates };
      const host = { system, node, supervisor: self, informers, random, ...signing };
      const running = controllers(options).map((controller) =>
        startController(controller, { ...host, client: options.clientFor(controller.account) })
      );
      const stopHealth = startNodeHealth({ ...host, client: options.clientFor("node-controller") });
      stop = () => {
        stop = () => {};
        stopHealth();
        for (const each of running) system.stop(each);
        informers.stop();
      };
    },
    stopLeading: () => stop(),
  });
}
