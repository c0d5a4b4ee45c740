/** What runs beside an API server and waits for its turn to lead: the scheduler and the controllers. */
import { startControllerManager } from "../actors/controllers/controller_manager.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { startScheduler } from "../actors/scheduler/scheduler.ts";
import type { ActorSystem, Address } from "../actors/system.ts";
import { certificateAuthority } from "../http/auth/certificates/certificate_authority.ts";
import type { ClusterKeys } from "../http/auth/certificates/pki.ts";
import { signDetached } from "../http/auth/tokens/bootstrap_tokens.ts";
import type { Api } from "../http/machinery/api.ts";
import type { UserInfo } from "../http/machinery/types.ts";

export interface ComponentsOptions {
  readonly system: ActorSystem;
  /** The master's. */
  readonly name: string;
  readonly api: Api;
  readonly keys: ClusterKeys;
}

export function startComponents({ system, name, api, keys }: ComponentsOptions): Address[] {
  const shared = { system, node: name, identity: name, random: realRandom };
  const listed = api.registry.all().filter(({ verbs }) => verbs.includes("list") && verbs.includes("watch"));
  return [
    startScheduler({ ...shared, client: api.client(component("kube-scheduler")) }),
    startControllerManager({
      ...shared,
      clientFor: (account) =>
        api.client(account === "kube-controller-manager" ? component(account) : controllerAccount(account)),
      resources: listed.filter(({ verbs, storedAs }) => verbs.includes("delete") && storedAs === undefined)
        .map(({ group, version, resource, kind, namespaced }) => ({
          resource: { group, version, resource },
          kind,
          namespaced,
        })),
      rootCa: keys.authority.certificate,
      certificates: certificateAuthority(keys.authority, () => system.clock.wallTime()),
      signDetached,
    }),
  ];
}

function component(name: string): UserInfo {
  return { name: `system:${name}`, groups: ["system:authenticated"] };
}

/** The bootstrap policy gives each controller's rights to a service account of its own in kube-system. */
export function controllerAccount(name: string): UserInfo {
  return {
    name: `system:serviceaccount:kube-system:${name}`,
    groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
  };
}
