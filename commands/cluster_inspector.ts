/** A master's inspector: it shows the actors of the whole cluster, and answers `chartroom explain` from all of them. */
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { componentSubjects } from "../http/auth/certificates/subjects.ts";
import { ActorAccess } from "../http/inspector/actor_access.ts";
import type { Api } from "../http/machinery/api.ts";
import type { ApiClient } from "../ports/api_client.ts";
import { elsewhereExplained } from "./elsewhere_explained.ts";
import { explainRoutes } from "./explain_routes.ts";
import { InspectedProcesses, masterInspectionRoutes, type OtherMaster } from "./inspected_processes.ts";
import { type Inspector, type InspectorOptions, startInspector } from "./inspector.ts";
import { objectLabels } from "./object_labels.ts";

export interface ClusterInspectorOptions extends InspectorOptions {
  readonly api: Api;
  readonly client: ApiClient;
  /** Of the cluster, and what this master shows to kubelets and other masters. */
  readonly authority: string;
  readonly certificate: KeyPair;
  /** Whether a node's actors are in this very process. */
  own(node: string): boolean;
  /** Masters beside this one. */
  others(): readonly OtherMaster[];
}

export async function startClusterInspector(options: ClusterInspectorOptions): Promise<Inspector> {
  const { system, name, api, client, authorizer } = options;
  const inspector = await startInspector({ ...options, labels: objectLabels(api) });
  new InspectedProcesses(inspector.hub, { ...options, clock: system.clock });
  const isMaster = (user: string) => user === componentSubjects["apiserver-kubelet-client"].commonName;
  let stopOwn = () => {};
  return {
    ...inspector,
    extend(app) {
      inspector.extend(app);
      const stream = masterInspectionRoutes(app, { system, name, maySend: inspector.maySend }, isMaster);
      stopOwn = () => stream.stop();
      explainRoutes(app, system, {
        elsewhere: elsewhereExplained(client, options),
        access: (user) => new ActorAccess(user, authorizer, system.clock),
      });
    },
    async stop() {
      stopOwn();
      await inspector.stop();
    },
  };
}
