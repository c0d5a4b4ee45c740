/** A candidate for leading a component, by a Lease in kube-system. */
import { leaderElectionMachine } from "../../machines/leader_election/leader_election_machine.ts";
import type { Lease } from "../../machines/objects/object.ts";
import { resources } from "../../machines/objects/resources.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { formatMicroTime } from "../../machines/objects/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import { actorKind, type ActorSystem, type Address, address } from "../system.ts";

const namespace = "kube-system";
const leaseDurationSeconds = 15;
/**
 * A leader counts its deadline from the answer to its renewal, the others from seeing it: with a request under 5 s
 * (lease duration less renewal deadline) it has stopped before anybody may take over.
 */
const requestTimeoutMs = 4_000;

export interface CandidateOptions {
  readonly system: ActorSystem;
  readonly node: string;
  readonly client: ApiClient;
  /** "kube-scheduler", "kube-controller-manager". */
  readonly component: string;
  /**
   * Stays the same over restarts of this master, so that it takes its own lease up again at once. Its store's lock sees
   * to it that there is only one process of that name.
   */
  readonly identity: string;
  /** Called when it begins to lead; must be quick. `self` supervises what it starts. */
  startLeading(self: Address): void;
  stopLeading(): void;
}

export function startCandidate(options: CandidateOptions): Address {
  const { system, client, component, identity } = options;
  const self = address({ node: options.node, kind: "leader-election", namespace, name: component });
  // As last read or written: the write after it succeeds only if nobody else wrote meanwhile.
  let lease: Lease | undefined;
  const now = () => formatMicroTime(system.clock.wallTime());
  const inTime = <T>(request: Promise<T>) => withTimeout(system.clock, requestTimeoutMs, request);
  const write = async (change: Partial<NonNullable<Lease["spec"]>>) => {
    if (lease === undefined) throw new Error(`Cannot write lease "${component}": it has not been read`);
    const object = { ...lease, spec: { ...lease.spec, ...change } };
    lease = await inTime(client.update<Lease>(resources.leases, object));
  };
  const kind = actorKind("leader-election", leaderElectionMachine, {
    readLease: async () => {
      try {
        lease = await inTime(client.get<Lease>(resources.leases, namespace, component));
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 404) throw error;
        lease = undefined;
      }
      const holder = lease?.spec?.holderIdentity || undefined;
      return {
        type: "lease.read",
        holder: holder === undefined ? "none" : holder === identity ? "self" : "other",
        token: lease?.metadata.resourceVersion ?? "",
      } as const;
    },
    takeLease: async ({ token }) => {
      const time = now();
      const transitions = lease?.spec?.leaseTransitions ?? 0;
      const held = {
        holderIdentity: identity,
        leaseDurationSeconds,
        acquireTime: time,
        renewTime: time,
        leaseTransitions: lease?.spec?.holderIdentity === identity ? transitions : transitions + (lease ? 1 : 0),
      };
      if (token === "") {
        const metadata = { name: component, namespace };
        const object = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: held };
        lease = await inTime(client.create<Lease>(resources.leases, namespace, object));
      } else if (lease?.metadata.resourceVersion !== token) {
        // A read that was called off came back with a lease that the decision knows nothing of.
        throw new Error(`Cannot take lease "${component}": it has been renewed since`);
      } else {
        await write(held);
      }
      return { type: "lease.taken" } as const;
    },
    renewLease: async () => {
      try {
        await write({ renewTime: now() });
      } catch (error) {
        // Somebody labelled the lease, perhaps: read it again, and renew only while it still names us.
        const current = await inTime(client.get<Lease>(resources.leases, namespace, component));
        if (current.spec?.holderIdentity !== identity) throw error;
        lease = current;
        await write({ renewTime: now() });
      }
      return { type: "lease.renewed" } as const;
    },
    releaseLease: async () => {
      await write({ holderIdentity: "", leaseDurationSeconds: 1, renewTime: now() });
      return { type: "lease.released" } as const;
    },
    startLeading: () => options.startLeading(self),
    stopLeading: () => options.stopLeading(),
  });
  system.spawn(kind, { address: self, input: { component }, onStopped: () => options.stopLeading() });
  return self;
}

function withTimeout<T>(clock: Clock, ms: number, request: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const wake = clock.wakeAt(clock.now() + ms, () => reject(new Error(`no answer within ${ms} ms`)));
  return Promise.race([request, promise]).finally(() => wake.cancel());
}
