/** Three members of Chartroom's replicated store in this process, each with its endpoint: over TLS, on disks of their own. */
import { realDisk } from "../../actors/disk/real_disk.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { administerReplica } from "../../actors/store/replica/administration.ts";
import { openReplicatedStorage, type ReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import { openTlsTransport } from "../../actors/transport/tls_transport.ts";
import { issue, makeAuthority } from "../../http/auth/certificates/issue.ts";
import { type EtcdEndpoint, startEtcdEndpoint } from "../../http/etcd/start_etcd_endpoint.ts";
import type { CertificateFiles, EtcdServer, ServerOptions } from "./servers.ts";

const names = ["a", "b", "c"];

/** The clients' is the endpoint of a member that does not lead. */
export async function startThree(
  files: (directory: string) => Promise<CertificateFiles>,
  options: ServerOptions = {},
): Promise<EtcdServer> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-etcd-" });
  const certificates = await files(directory);
  const authority = await makeAuthority("members", Date.now());
  const transports = await Promise.all(names.map(async (self) => {
    const own = await issue(authority, { commonName: self, usages: ["client", "server"] }, Date.now());
    return await openTlsTransport({
      self,
      listen: [{ host: "127.0.0.1", port: 0 }],
      ...own,
      authority: authority.certificate,
      clock: realClock,
    });
  }));
  const members = transports.map(({ self, endpoint: { host, port } }) => ({
    name: self,
    peerAddresses: [`https://${host}:${port}`],
  }));
  const storages: ReplicatedStorage[] = await Promise.all(transports.map(async (transport, at) => {
    await Deno.mkdir(`${directory}/${members[at]!.name}`);
    return await openReplicatedStorage({
      disk: realDisk(`${directory}/${members[at]!.name}`),
      clock: realClock,
      random: realRandom,
      transport,
      ...members[at]!,
      begin: { found: { cluster: "00000000000000c1", members } },
    });
  }));
  const endpoints: EtcdEndpoint[] = await Promise.all(storages.map((inner) =>
    startEtcdEndpoint({
      ...administerReplica(inner, options.quotaBytes === undefined ? {} : { quotaBytes: options.quotaBytes }),
      clock: realClock,
      tls: certificates.pem,
      hostname: "127.0.0.1",
      port: 0,
    })
  ));
  await Promise.all(
    storages.map(({ membership }, at) =>
      membership.update(membership.id, { clientAddresses: [`https://${endpoints[at]!.address}`] })
        .catch(() => {}) // Another one's change was under way; nothing but the list of members shows it.
    ),
  );
  await storages[0]!.range({ key: "nothing" });
  const { leader } = await storages[0]!.status();
  const leading = storages.findIndex(({ membership }) => membership.id === leader);
  const places = endpoints.map(({ address }) => ({ url: `https://${address}`, files: certificates }));
  const others = places.filter((_, at) => at !== leading);
  return {
    ...others[0]!,
    all: [...others, places[leading]!],
    leader: places[leading]!,
    async close() {
      for (const endpoint of endpoints) await endpoint.close();
      for (const storage of storages) await storage.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
