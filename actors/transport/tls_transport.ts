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
  readonly listen: readonly PeerEndpoint[];
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
/**
 * A stream to a peer from which nothing has come for so long is made anew. Without it, what a network has swallowed
 * without a word is sent again by TCP later and later: a peer that can be reached again would wait for minutes.
 */
const silenceMs = 3_000;
/** A peer that has gone without a word holds its streams to us no longer than the kernel needs to notice. */
const probeMs = 30_000;

/** Resolves when it listens. @throws Error when it cannot. */
export async function openTlsTransport(options: TlsTransportOptions): Promise<TlsTransport> {
  const transport = new TlsTransport(options);
  await transport.open();
  return transport;
}

export class TlsTransport implements Transport {
  readonly self: string;
  readonly #options: TlsTransportOptions;
  readonly #servers: readonly tls.Server[];
  readonly #incoming = new Set<TLSSocket>();
  /** When something last came from a peer. */
  readonly #heard = new Map<string, number>();
  readonly #outgoing = new Map<string, Outgoing>();
  #peers: ReadonlyMap<string, PeerEndpoint> = new Map();
  #receiver: TransportReceiver | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TlsTransportOptions) {
    this.self = options.self;
    this.#options = options;
    const { certificate: cert, key, authority: ca } = options;
    this.#servers = options.listen.map(() =>
      tls.createServer(
        { cert, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" },
        (socket) => this.#accept(socket),
      )
    );
  }

  /** The first place where it listens. */
  get endpoint(): PeerEndpoint {
    const { host } = this.#options.listen[0]!;
    return { host, port: (this.#servers[0]!.address() as AddressInfo).port };
  }

  async open(): Promise<void> {
    try {
      for (const [at, server] of this.#servers.entries()) await listening(server, this.#options.listen[at]!);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  send(to: string, message: Uint8Array): void {
    const endpoint = this.#peers.get(to);
    if (this.#closing !== undefined) return;
    if (endpoint === undefined) return this.#lost(to);
    const now = this.#options.clock.now();
    let peer = this.#outgoing.get(to);
    const isSilent = peer !== undefined && now - Math.max(peer.begunAt, this.#heard.get(to) ?? 0) > silenceMs;
    if (isSilent) peer!.close();
    if (peer === undefined || peer.isOver) {
      if (peer !== undefined && !isSilent && now - peer.endedAt < retryMs) return this.#lost(to);
      if (isSilent) this.#lost(to);
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
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#receiver = undefined;
    for (const outgoing of this.#outgoing.values()) outgoing.close();
    this.#outgoing.clear();
    const closed = this.#servers.map(closing);
    for (const socket of this.#incoming) socket.destroy();
    await Promise.all(closed);
  }

  #accept(socket: TLSSocket): void {
    const from = nameOf(socket);
    const reader = new FrameReader();
    this.#incoming.add(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, probeMs);
    socket.on("close", () => this.#incoming.delete(socket));
    socket.on("error", () => {}); // "close" follows; what was under way is lost.
    if (from === undefined) return void socket.destroy();
    socket.on("data", (bytes: Uint8Array) => {
      this.#heard.set(from, this.#options.clock.now());
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
  readonly begunAt: number;
  endedAt = -Infinity;
  isOver = false;

  constructor(peer: string, readonly endpoint: PeerEndpoint, options: TlsTransportOptions, lost: () => void) {
    const { certificate: cert, key, authority: ca, clock } = options;
    this.#most = options.maxUnsentBytes ?? 64 * 1024 * 1024;
    this.begunAt = clock.now();
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

function listening(server: tls.Server, { host, port }: PeerEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once(
      "error",
      (error: Error) => reject(new Error(`Cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, () => resolve());
  });
}

function closing(server: tls.Server): Promise<void> {
  return new Promise((resolve) => server.listening ? void server.close(() => resolve()) : resolve());
}

function nameOf(socket: TLSSocket): string | undefined {
  const name = socket.getPeerCertificate()?.subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
