/** The client of the etcd benchmarks: gRPC over TLS, the same for both servers. */
import { Buffer } from "node:buffer";
import { Client, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { keyBytes } from "../../machines/etcd/keys.ts";
import type { Read, WatchRequest, WatchResponse } from "../../machines/etcd/messages.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import { type Method, methodPath, services } from "../../machines/etcd/services.ts";
import type { BenchCluster, BenchMember } from "./clusters.ts";

export const value = new Uint8Array(1_024).fill(0x78);
const connections = 4;

export class BenchClient {
  readonly #channels: Client[];
  #next = 0;

  constructor({ port }: BenchMember, { tls }: BenchCluster) {
    const secrets = credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.cert));
    this.#channels = Array.from({ length: connections }, () =>
      new Client(`localhost:${port}`, secrets, {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.initial_reconnect_backoff_ms": 20,
        "grpc.min_reconnect_backoff_ms": 20,
        "grpc.max_reconnect_backoff_ms": 20,
      }));
  }

  put(key: string, deadlineMs?: number): Promise<unknown> {
    return this.#call("KV", "Put", services.KV.Put, { key: keyBytes(key), value }, deadlineMs);
  }

  /** In one transaction. */
  putAll(keys: readonly string[]): Promise<unknown> {
    const success = keys.map((key) => ({ requestPut: { key: keyBytes(key), value } }));
    return this.#call("KV", "Txn", services.KV.Txn, { success });
  }

  get(key: string, serializable: boolean): Promise<unknown> {
    return this.#call("KV", "Range", services.KV.Range, { key: keyBytes(key), serializable });
  }

  status() {
    return this.#call("Maintenance", "Status", services.Maintenance.Status, {});
  }

  watch(): ClientDuplexStream<Part<Read<typeof WatchRequest>>, Read<typeof WatchResponse>> {
    const { request, response } = services.Watch.Watch;
    return this.#channel().makeBidiStreamRequest(
      methodPath("Watch", "Watch"),
      (asked: Part<Read<typeof WatchRequest>>) => Buffer.from(request.encode(asked)),
      (bytes: Buffer) => response.decode(bytes),
    );
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  #channel(): Client {
    return this.#channels[this.#next++ % connections]!;
  }

  #call<Request, Response>(
    service: string,
    name: string,
    { request, response }: Method<Request, Response>,
    asked: Part<Request>,
    deadlineMs = 10_000,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#channel().makeUnaryRequest(
        methodPath(service, name),
        (value: Part<Request>) => Buffer.from(request.encode(value)),
        (bytes: Buffer) => response.decode(bytes),
        asked,
        { deadline: Date.now() + deadlineMs },
        (error, answer) => error === null ? resolve(answer!) : reject(error),
      );
    });
  }
}

/** Resolves with the first answer that is none of an error. */
export async function until<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0;; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries > 5_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
