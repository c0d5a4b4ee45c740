/**
 * The transport between members of different processes and hosts: TLS with certificates on both sides, one stream to
 * each peer. A certificate's common name is its member's name, so nobody speaks for another. A peer that does not keep
 * up loses messages rather than filling this member's memory.
 */
import type { AddressInfo } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { Clock } from "../../ports/clock.ts";
import type { PeerEndpoint, Transport, TransportReceiver } from "../../ports/transport.ts";
import { frame, FrameReader } from "./frames.ts";

export interface TlsTransportOptions {
  readonly self: string;
  /** Where to listen; port 0 takes a free one. */
  readonly listen: PeerEndpoint;
  /** PEM; its common name is `self`. */
  readonly certificate: string;
  readonly key: string;
  /** PEM of the authority that signed every member's certificate. */
  readonly authority: string;
  readonly clock: Clock;
  /** What may wait for one peer before messages to it are lost. Default 64 MiB. */
  readonly maxUnsentBytes?: number;
}

/** After a failed connection, messages are lost for this long before another is tried. */
const retryMs = 50;

/** Resolves when it listens. @throws Error when it cannot. */
export async function openTlsTransport(options: TlsTransportOptions): Promise<TlsTransport> {
  const transport = new TlsTransport(options);
  await transport.open();
  return transport;
}

export class TlsTransport implements Transport {
  readonly self: string;
  readonly #options: TlsTransportOptions;
  readonly #server: tls.Server;
  readonly #incoming = new Set<TLSSocket>();
  readonly #outgoing = new Map<string, Outgoing>();
  #peers: ReadonlyMap<string, PeerEndpoint> = new Map();
  #receiver: TransportReceiver | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TlsTransportOptions) {
    this.self = options.self;
    this.#options = options;
    const { certificate: cert, key, authority: ca } = options;
    this.#server = tls.createServer(
      { cert, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" },
      (socket) => this.#accept(socket),
    );
  }

  get endpoint(): PeerEndpoint {
    return { host: this.#options.listen.host, port: (this.#server.address() as AddressInfo).port };
  }

  open(): Promise<void> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once(
        "error",
        (error: Error) => reject(new Error(`Cannot listen on ${host}:${port}: ${error.message}`)),
      );
      this.#server.listen(port, host, () => resolve());
    });
  }

  send(to: string, message: Uint8Array): void {
    const endpoint = this.#peers.get(to);
    if (this.#closing !== undefined) return;
    if (endpoint === undefined) return this.#lost(to);
    let peer = this.#outgoing.get(to);
    if (peer === undefined || peer.isOver) {
      if (peer !== undefined && this.#options.clock.now() - peer.endedAt < retryMs) return this.#lost(to);
      peer = new Outgoing(to, endpoint, this.#options, () => this.#lost(to));
      this.#outgoing.set(to, peer);
    }
    if (!peer.write(frame(message))) this.#lost(to);
  }

  listen(receiver: TransportReceiver): void {
    this.#receiver = receiver;
  }

  setPeers(peers: ReadonlyMap<string, PeerEndpoint>): void {
    this.#peers = new Map(peers);
    for (const [name, outgoing] of this.#outgoing) {
      const { host, port } = peers.get(name) ?? {};
      if (host === outgoing.endpoint.host && port === outgoing.endpoint.port) continue;
      outgoing.close();
      this.#outgoing.delete(name);
    }
  }

  close(): Promise<void> {
    return this.#closing ??= new Promise((resolve) => {
      this.#receiver = undefined;
      for (const outgoing of this.#outgoing.values()) outgoing.close();
      this.#outgoing.clear();
      this.#server.close(() => resolve());
      for (const socket of this.#incoming) socket.destroy();
    });
  }

  #accept(socket: TLSSocket): void {
    const from = nameOf(socket);
    const reader = new FrameReader();
    this.#incoming.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.#incoming.delete(socket));
    socket.on("error", () => {}); // "close" follows; what was under way is lost.
    if (from === undefined) return void socket.destroy();
    socket.on("data", (bytes: Uint8Array) => {
      try {
        for (const message of reader.read(bytes)) this.#receiver?.received(from, message);
      } catch {
        socket.destroy();
      }
    });
  }

  #lost(peer: string): void {
    // Told later: `send` never calls back into its caller.
    this.#options.clock.soon(() => this.#receiver?.unreachable?.(peer));
  }
}

/** The one stream to a peer, for as long as it lasts. */
class Outgoing {
  readonly #socket: TLSSocket;
  readonly #most: number;
  endedAt = -Infinity;
  isOver = false;

  constructor(peer: string, readonly endpoint: PeerEndpoint, options: TlsTransportOptions, lost: () => void) {
    const { certificate: cert, key, authority: ca, clock } = options;
    this.#most = options.maxUnsentBytes ?? 64 * 1024 * 1024;
    this.#socket = tls.connect({
      host: endpoint.host,
      port: endpoint.port,
      cert,
      key,
      ca,
      minVersion: "TLSv1.3",
      // Members are known by name, not by where they are.
      checkServerIdentity: (_host: string, certificate: { subject?: { CN?: string | string[] } }) =>
        certificate.subject?.CN === peer ? undefined : new Error(`Cannot trust ${endpoint.host}: it is not "${peer}"`),
    });
    this.#socket.setNoDelay(true);
    const over = () => {
      if (this.isOver) return;
      this.isOver = true;
      this.endedAt = clock.now();
      lost();
    };
    this.#socket.on("error", over);
    this.#socket.on("close", over);
    this.#socket.on("end", () => this.#socket.destroy());
    this.#socket.resume(); // Nothing is ever said on it in return.
  }

  /** False: there is no room. */
  write(bytes: Uint8Array): boolean {
    if (this.#socket.writableLength + bytes.length > this.#most) return false;
    this.#socket.write(bytes);
    return true;
  }

  close(): void {
    this.isOver = true;
    this.#socket.destroy();
  }
}

function nameOf(socket: TLSSocket): string | undefined {
  const name = socket.getPeerCertificate()?.subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
