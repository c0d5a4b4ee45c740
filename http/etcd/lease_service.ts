/** The Lease service. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type {
  LeaseGrantRequest,
  LeaseIdRequest,
  LeaseKeepAliveResponse,
  LeaseTimeToLiveRequest,
  Read,
} from "../../machines/etcd/messages.ts";
import { keyBytes } from "../../machines/etcd/keys.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import { StorageError } from "../../ports/storage.ts";
import { type EtcdContext, etcdError, headerOf, inTurn, invalid, unary } from "./grpc_calls.ts";
import { isLeaseId } from "./kv_service.ts";

type LeaseId = Read<typeof LeaseIdRequest>;
type Alive = Part<Read<typeof LeaseKeepAliveResponse>>;

/** As etcd with its default timeouts: one and a half elections, in whole seconds. */
const shortestTtl = 2;
const longestTtl = 9_000_000_000;

export function leaseService(context: EtcdContext) {
  const { storage, administration } = context;

  const keepAlive = async (id: number): Promise<number> => {
    try {
      return isLeaseId(id) ? (await storage.keepLeaseAlive(id)).ttlSeconds : 0;
    } catch (error) {
      // etcd says so with no time left, and goes on with the stream.
      if (error instanceof StorageError && error.code === "leaseNotFound") return 0;
      throw error;
    }
  };

  return {
    LeaseGrant: unary(async ({ ttl, id }: Read<typeof LeaseGrantRequest>) => {
      if (ttl > longestTtl) throw etcdError("leaseTtlTooLarge");
      if (id !== 0 && !isLeaseId(id)) throw invalid(`lease ID ${id} is not from 1 to 2^53 - 1, as they are here`);
      const lease = await storage.grantLease({ ttlSeconds: Math.max(ttl, shortestTtl), ...(id === 0 ? {} : { id }) });
      return { header: await headerOf(context), id: lease.id, ttl: lease.ttlSeconds, error: "" };
    }),
    LeaseRevoke: unary(async ({ id }: LeaseId) => {
      if (!isLeaseId(id)) throw etcdError("leaseNotFound");
      await storage.revokeLease(id);
      return { header: await headerOf(context) };
    }),
    LeaseKeepAlive: (call: ServerDuplexStream<LeaseId, Alive>) => {
      inTurn(call, async ({ id }) => {
        const ttl = await keepAlive(id);
        call.write({ header: await headerOf(context), id, ttl });
      }, () => {});
    },
    LeaseTimeToLive: unary(async ({ id, keys }: Read<typeof LeaseTimeToLiveRequest>) => {
      const lease = isLeaseId(id) ? await administration.lease(id) : undefined;
      const header = await headerOf(context);
      if (lease === undefined) return { header, id, ttl: -1, grantedTtl: 0, keys: [] };
      const { remainingSeconds, ttlSeconds } = lease;
      return { header, id, ttl: remainingSeconds, grantedTtl: ttlSeconds, keys: keys ? lease.keys.map(keyBytes) : [] };
    }),
    LeaseLeases: unary(async () => {
      const leases = (await administration.leases()).map((id) => ({ id }));
      return { header: await headerOf(context), leases };
    }),
  };
}
