/**
 * Writes through etcd's API, answered once they are on the disk: Chartroom's endpoint and Debian's etcd, one after the
 * other on the same disk, by the same gRPC client in this process. Chartroom's server shares the process with its client;
 * etcd has one of its own.
 *
 *     deno task bench:etcd [seconds]
 */
import { Buffer } from "node:buffer";
import { Client, credentials } from "@grpc/grpc-js";
import { keyBytes } from "../machines/etcd/keys.ts";
import { PutRequest, PutResponse } from "../machines/etcd/messages.ts";
import { type EtcdServer, serverKinds } from "../tests/etcd/servers.ts";

const seconds = Number(Deno.args[0] ?? 3);
const value = new Uint8Array(1_024).fill(0x78);
const connections = 4;

console.log(`puts of 1 KB, ${connections} connections, ${seconds} s each`);
for (const [name, start] of Object.entries(serverKinds)) {
  for (const clients of [16, 256]) {
    const server = await start();
    try {
      await measure(server, 16, 0.5);
      const { rate, p50, p99 } = await measure(server, clients, seconds);
      const figures = `${Math.round(rate)} writes/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
      console.log(`${name.padEnd(22)} ${String(clients).padStart(3)} clients: ${figures}`);
    } finally {
      await server.close();
    }
  }
}
Deno.exit(0);

async function measure(server: EtcdServer, clients: number, duration: number) {
  const { pem } = server.files;
  const secrets = credentials.createSsl(Buffer.from(pem.ca), Buffer.from(pem.key), Buffer.from(pem.cert));
  const address = `localhost:${new URL(server.url).port}`;
  const channels = Array.from(
    { length: connections },
    () => new Client(address, secrets, { "grpc.use_local_subchannel_pool": 1 }),
  );
  const times: number[] = [];
  const begin = performance.now();
  const until = begin + duration * 1_000;
  await Promise.all(Array.from({ length: clients }, async (_, at) => {
    for (let i = 0; performance.now() < until; i++) {
      const sent = performance.now();
      await put(channels[at % connections]!, `/bench/${at}/${i % 100}`);
      times.push(performance.now() - sent);
    }
  }));
  const took = (performance.now() - begin) / 1_000;
  for (const channel of channels) channel.close();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { rate: times.length / took, p50: at(0.5), p99: at(0.99) };
}

function put(client: Client, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      "/etcdserverpb.KV/Put",
      (request: { key: Uint8Array; value: Uint8Array }) => Buffer.from(PutRequest.encode(request)),
      (bytes: Buffer) => PutResponse.decode(bytes),
      { key: keyBytes(key), value },
      (error) => error === null ? resolve() : reject(error),
    );
  });
}
