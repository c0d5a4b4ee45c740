/**
 * Which API servers live: each keeps a Lease in kube-system up to date, as kube-apiserver does, and sees to it that the
 * service `kubernetes` points to those whose Lease is.
 */
import type { ActorSystem } from "../actors/system.ts";
import { livingServers, type ServerLease, type Sighting } from "../machines/api_server/living_servers.ts";
import type { Lease } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { ApiError } from "../machines/objects/status.ts";
import { formatMicroTime } from "../machines/objects/time.ts";
import type { ApiClient } from "../ports/api_client.ts";
import { keepApiServers } from "./bootstrap_objects.ts";

export interface PresenceOptions {
  readonly system: ActorSystem;
  /** The master's. */
  readonly name: string;
  /** Acts as the API server itself. */
  readonly client: ApiClient;
  /** Where it is reached from pods. */
  readonly address: string;
  readonly port: number;
  /** Called each time it has said that it lives. */
  said?(): Promise<void>;
  report(problem: string): void;
}

const namespace = "kube-system";
const label = { "apiserver.kubernetes.io/identity": "kube-apiserver" };
const addressAnnotation = "chartroom/address";
const everyMs = 4_000;
const durationSeconds = 15;

export function startPresence(options: PresenceOptions): { stop(): void } {
  const { clock } = options.system;
  let stopped = false;
  let sightings: ReadonlyMap<string, Sighting> = new Map();
  let wake: { cancel(): void } | undefined;
  const turn = async () => {
    try {
      await sayAlive(options);
      await options.said?.();
      const found = livingServers(sightings, await leases(options), {
        now: clock.now(),
        wallTime: clock.wallTime(),
        durationMs: durationSeconds * 1_000,
      });
      ({ sightings } = found);
      const addresses = [...new Set([options.address, ...found.addresses])].sort();
      if (!stopped) await keepApiServers(options.client, addresses, options.port);
    } catch (error) {
      // Another master writes the same at the same time: the next turn sees it.
      const isRace = error instanceof ApiError && error.code === 409;
      if (!stopped && !isRace) options.report(`API servers of the service "kubernetes": ${(error as Error).message}`);
    }
    if (!stopped) wake = clock.wakeAt(clock.now() + everyMs, () => void turn());
  };
  void turn();
  return {
    stop() {
      stopped = true;
      wake?.cancel();
    },
  };
}

/** Whether this master's API server has said so after a moment of the wall clock. */
export async function servesSince(client: ApiClient, name: string, since: number): Promise<boolean> {
  try {
    const { spec } = await client.get<Lease>(resources.leases, namespace, leaseName(name));
    return Date.parse(spec?.renewTime ?? "") > since;
  } catch {
    return false;
  }
}

const leaseName = (master: string) => `apiserver-${master}`;

async function sayAlive({ client, name, address, system }: PresenceOptions): Promise<void> {
  const time = formatMicroTime(system.clock.wallTime());
  const metadata = {
    name: leaseName(name),
    namespace,
    labels: { ...label, "kubernetes.io/hostname": name },
    annotations: { [addressAnnotation]: address },
  };
  const spec = { holderIdentity: name, leaseDurationSeconds: durationSeconds, renewTime: time };
  try {
    await client.patch(resources.leases, namespace, metadata.name, "merge", { metadata, spec });
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 404)) throw error;
    const object = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    await client.create(resources.leases, namespace, object);
  }
}

/** As their leases say. */
async function leases({ client }: PresenceOptions): Promise<ServerLease[]> {
  const labelSelector = "apiserver.kubernetes.io/identity=kube-apiserver";
  const { items } = await client.list<Lease>(resources.leases, { namespace, labelSelector });
  return items.flatMap(({ metadata: { name, annotations }, spec }) => {
    const address = annotations?.[addressAnnotation];
    return address === undefined ? [] : [{ name, address, renewTime: spec?.renewTime ?? "" }];
  });
}
