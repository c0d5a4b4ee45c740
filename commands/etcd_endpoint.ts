/**
 * etcd's API on a master's member of the store, for etcdctl and etcd's own clients on this host: on loopback, for who
 * shows a certificate of the store's authority. What is needed for that is in `pki/etcd`.
 */
import { administerSingleMember } from "../actors/store/administration.ts";
import type { MemberStorage } from "../actors/store/open_storage.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { keptCertificate } from "../http/auth/certificates/pki.ts";
import type { EtcdEndpoint } from "../http/etcd/start_etcd_endpoint.ts";
import type { Clock } from "../ports/clock.ts";
import type { AdministeredStorage } from "../ports/store_administration.ts";
import type { ClusterState } from "./cluster_state.ts";
import { storeAuthority } from "./store_authority.ts";

const host = "127.0.0.1";
const firstPort = 25_000;
const portsOfCluster = 64;

/** Where the member of master `number` answers etcd's clients. */
export function etcdAddress(index: number, number: number): string {
  return `https://${host}:${etcdPort(index, number)}`;
}

function etcdPort(index: number, number: number): number {
  return firstPort + index * portsOfCluster + number;
}

/** A store of one member as its endpoint and its API server use it. */
export function administered(storage: MemberStorage, name: string, index: number): AdministeredStorage {
  return administerSingleMember(storage, { name, clientAddresses: () => [etcdAddress(index, 0)] });
}

export interface EtcdOfMasterOptions extends AdministeredStorage {
  readonly state: ClusterState;
  readonly name: string;
  readonly index: number;
  readonly number: number;
  /** Of masters that share a state directory one makes the clients' certificate. */
  readonly makesClient: boolean;
  readonly clock: Clock;
  report(problem: string): void;
}

/** @throws Error when the port is taken. */
export async function serveEtcd(options: EtcdOfMasterOptions): Promise<EtcdEndpoint> {
  const { state, name, index, number, clock, storage, administration } = options;
  const now = clock.wallTime();
  const files = keyFiles(state.path("pki"));
  const authority = await storeAuthority(files, now);
  const own = { commonName: name, usages: ["server"], dnsNames: ["localhost", name], ipAddresses: [host] } as const;
  const certificate = await keptCertificate(files, `etcd/${name}`, authority, own, now);
  if (options.makesClient) {
    await files.write("etcd/ca.crt", authority.certificate);
    // No member can have a name with a space in it: this is nobody's certificate between members.
    await keptCertificate(files, "etcd/client", authority, { commonName: "etcd client", usages: ["client"] }, now);
  }
  // Loaded when the cluster is up: nobody waits for it.
  const { startEtcdEndpoint } = await import("../http/etcd/start_etcd_endpoint.ts");
  return await startEtcdEndpoint({
    storage,
    administration,
    clock,
    tls: { ca: authority.certificate, cert: certificate.certificate, key: certificate.key },
    hostname: host,
    port: etcdPort(index, number),
    log: (message) => options.report(`etcd's API of ${name}: ${message}`),
  });
}
