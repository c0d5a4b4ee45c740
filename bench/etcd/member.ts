/** A process of the etcd benchmarks: one member of Chartroom's store with its endpoint. Prints a line when it serves. */
import { realDisk } from "../../actors/disk/real_disk.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { administerSingleMember } from "../../actors/store/administration.ts";
import { openStorage } from "../../actors/store/open_storage.ts";
import { administerReplica } from "../../actors/store/replica/administration.ts";
import { openReplicatedStorage } from "../../actors/store/replica/open_replicated_storage.ts";
import { openTlsTransport } from "../../actors/transport/tls_transport.ts";
import { startEtcdEndpoint } from "../../http/etcd/start_etcd_endpoint.ts";
import type { AdministeredStorage } from "../../ports/store_administration.ts";

export interface MemberTask {
  readonly name: string;
  readonly directory: string;
  readonly clientPort: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Absent: it is alone. */
  readonly peers?: {
    readonly port: number;
    readonly all: readonly { readonly name: string; readonly peerAddresses: readonly string[] }[];
  };
}

const task = JSON.parse(Deno.args[0]!) as MemberTask;
const ports = { disk: realDisk(task.directory), clock: realClock, random: realRandom };

async function open(): Promise<AdministeredStorage> {
  const { name, peers, tls } = task;
  if (peers === undefined) return administerSingleMember(await openStorage(ports), { name });
  const transport = await openTlsTransport({
    self: name,
    listen: [{ host: "127.0.0.1", port: peers.port }],
    certificate: tls.cert,
    key: tls.key,
    authority: tls.ca,
    clock: realClock,
  });
  const begin = { found: { cluster: "00000000000000c1", members: peers.all } };
  const own = peers.all.find((each) => each.name === name)!;
  return administerReplica(await openReplicatedStorage({ ...ports, ...own, transport, begin }));
}

await startEtcdEndpoint({
  ...await open(),
  clock: realClock,
  tls: task.tls,
  hostname: "127.0.0.1",
  port: task.clientPort,
});
console.log("serves");
