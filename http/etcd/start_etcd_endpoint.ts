/**
 * etcd's v3 gRPC API on a store, for etcdctl and etcd's own clients; on a listener of its own, with TLS in both
 * directions: whoever shows a certificate of `tls.ca` may do everything, so that authority must sign for nobody else.
 * Users and roles there are none: the Auth service says so.
 *
 * What is not as in etcd: keys are UTF-8 (machines/etcd/keys.ts), lease IDs at most 2^53 - 1, and a snapshot is one of this
 * store (docs/etcd.md).
 */
import { Buffer } from "node:buffer";
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from "@grpc/grpc-js";
import { statusCodes } from "../../machines/etcd/errors.ts";
import { NoFields } from "../../machines/etcd/messages.ts";
import { authMethods, services } from "../../machines/etcd/services.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Storage } from "../../ports/storage.ts";
import type { StoreAdministration } from "../../ports/store_administration.ts";
import { clusterService } from "./cluster_service.ts";
import { definitionOf, type EtcdContext, GrpcError } from "./grpc_calls.ts";
import { kvService } from "./kv_service.ts";
import { leaseService } from "./lease_service.ts";
import { maintenanceService } from "./maintenance_service.ts";
import { watchService } from "./watch_service.ts";

export interface EtcdEndpointOptions {
  readonly storage: Storage;
  readonly administration: StoreAdministration;
  readonly clock: Clock;
  /** PEM. Clients must show a certificate of `ca`. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly log?: (message: string) => void;
}

export interface EtcdEndpoint {
  /** host:port */
  readonly address: string;
  readonly port: number;
  /** Ends every stream; the storage stays open. */
  close(): Promise<void>;
}

/** As etcd: its largest request, and half a megabyte for what is around it. */
const receiveBytes = 1_572_864 + (512 << 10);

/** @throws Error when the address is taken or the certificate is none. */
export async function startEtcdEndpoint(options: EtcdEndpointOptions): Promise<EtcdEndpoint> {
  const { storage, administration, clock, tls, hostname } = options;
  const { cluster } = await administration.members();
  const context: EtcdContext = {
    storage,
    administration,
    cluster: BigInt(`0x${cluster}`),
    clock,
    log: options.log ?? (() => {}),
  };
  const server = new Server({
    "grpc.max_receive_message_length": receiveBytes,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": 10_000,
  });
  server.addService(definitionOf("KV", services.KV), kvService(context));
  server.addService(definitionOf("Watch", services.Watch), watchService(context));
  server.addService(definitionOf("Lease", services.Lease), leaseService(context));
  server.addService(definitionOf("Cluster", services.Cluster), clusterService(context));
  server.addService(definitionOf("Maintenance", services.Maintenance), maintenanceService(context));
  const authTable = Object.fromEntries(authMethods.map((name) => [name, { request: NoFields, response: NoFields }]));
  server.addService(definitionOf("Auth", authTable), Object.fromEntries(authMethods.map((name) => [name, noUsers])));
  const bytes = (text: string) => Buffer.from(text);
  const credentials = ServerCredentials.createSsl(
    bytes(tls.ca),
    [{ private_key: bytes(tls.key), cert_chain: bytes(tls.cert) }],
    true,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${hostname}:${options.port}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`Cannot serve etcd's API on ${hostname}:${options.port}: ${error.message}`));
    });
  });
  return {
    address: `${hostname}:${port}`,
    port,
    close: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function noUsers(_: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>): void {
  const message = "etcdserver: there are no users and roles here: clients are told apart by their certificates";
  answer(new GrpcError(statusCodes.unimplemented, message));
}
