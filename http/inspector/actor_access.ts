/** Who may see which actor: those who may `get` the Kubernetes object that it looks after. */
import type { Clock } from "../../ports/clock.ts";
import type { InspectionClient } from "../../ports/inspection.ts";
import type { Authorizer, Decision, UserInfo } from "../machinery/types.ts";

type Actor = Parameters<InspectionClient["maySee"]>[0];

export interface LookedAfter {
  readonly group: string;
  readonly resource: string;
}

const pods = { group: "", resource: "pods" };
const nodes = { group: "", resource: "nodes" };
const namespaces = { group: "", resource: "namespaces" };

/** Kind of actor to what it looks after; controllers of a key are there by name. */
const lookedAfter: Readonly<Record<string, LookedAfter>> = {
  ...{ pod: pods, container: pods, probe: pods, volumes: pods, podStatus: pods, scheduling: pods },
  ...{ kubelet: nodes, node: nodes, lease: nodes, "node-health": nodes, network: nodes },
  apiService: { group: "apiregistration.k8s.io", resource: "apiservices" },
  "deployment-controller": { group: "apps", resource: "deployments" },
  "replicaset-controller": { group: "apps", resource: "replicasets" },
  "statefulset-controller": { group: "apps", resource: "statefulsets" },
  "daemonset-controller": { group: "apps", resource: "daemonsets" },
  "daemon-set-controller": { group: "apps", resource: "daemonsets" },
  "stateful-set-controller": { group: "apps", resource: "statefulsets" },
  "job-controller": { group: "batch", resource: "jobs" },
  "cronjob-controller": { group: "batch", resource: "cronjobs" },
  "endpoint-slice-controller": { group: "", resource: "services" },
  "endpoint-controller": { group: "", resource: "services" },
  "namespace-controller": namespaces,
  "serviceaccount-controller": namespaces,
  "root-ca-certificate-publisher-controller": namespaces,
  "node-lifecycle-controller": nodes,
};

/** The resource of the object that actors of this kind look after, where that is known. */
export function lookedAfterBy(kind: string): LookedAfter | undefined {
  return lookedAfter[kind];
}

/** Kinds that bear a namespace and yet look after nothing in it: leases of leaders, caches. */
const ofTheCluster: ReadonlySet<string> = new Set(["leader-election", "informer"]);

/** A verdict is believed for so long. */
const believedMs = 10_000;
const remembered = 20_000;

interface Verdict {
  allowed: boolean | undefined;
  readonly until: number;
}

/** One user's view. Verdicts are asked for once and kept for a few seconds. */
export class ActorAccess {
  readonly #verdicts = new Map<string, Verdict>();
  #asking: Promise<void> = Promise.resolve();

  constructor(readonly user: UserInfo, readonly authorizer: Authorizer, readonly clock: Clock) {}

  /** Undefined: it is being found out. */
  maySee(actor: Actor): boolean | undefined {
    const { kind, namespace, name } = actor;
    const known = lookedAfter[kind];
    const ofTheClusterItself = namespace === undefined && !kind.endsWith("-controller") || ofTheCluster.has(kind);
    if (known === undefined && ofTheClusterItself) return true;
    // Whose object is not known is shown to those who may read everything there.
    const resource = known ?? { group: "*", resource: "*" };
    const object = (name ?? "").split(":")[0]!;
    if (resource === nodes) return this.#may(resource, "", object || actor.node);
    const all = this.#may(resource, namespace ?? "", "");
    // A role may name single objects.
    return all === false && object !== "" ? this.#may(resource, namespace ?? "", object) : all;
  }

  /** Also where that takes asking somebody. */
  async sees(actor: Actor): Promise<boolean> {
    for (;;) {
      const seen = this.maySee(actor);
      if (seen !== undefined) return seen;
      await this.#asking;
    }
  }

  /** Whether the user is an administrator: may do everything, to everything, everywhere. */
  async mayEverything(): Promise<boolean> {
    const { allowed } = await this.authorizer.authorize({
      ...{ user: this.user, verb: "*", path: "", resourceRequest: true },
      ...{ group: "*", version: "*", resource: "*", subresource: "", namespace: "", name: "" },
    });
    return allowed;
  }

  #may({ group, resource }: LookedAfter, namespace: string, name: string): boolean | undefined {
    const key = `${group}/${resource}/${namespace}/${name}`;
    const now = this.clock.now();
    let verdict = this.#verdicts.get(key);
    if (verdict !== undefined && verdict.until > now) return verdict.allowed;
    if (this.#verdicts.size >= remembered) this.#verdicts.clear();
    const asked: Verdict = verdict = { allowed: undefined, until: now + believedMs };
    this.#verdicts.set(key, asked);
    const decide = ({ allowed }: Decision) => {
      asked.allowed = allowed;
    };
    const decision = this.authorizer.authorize({
      ...{ user: this.user, verb: "get", path: "", resourceRequest: true },
      ...{ group, version: "v1", resource, subresource: "", namespace, name },
    });
    if (decision instanceof Promise) {
      this.#asking = decision.then(decide, () => {
        asked.allowed = false;
      });
    } else decide(decision);
    return asked.allowed;
  }
}
