/** Accepting, handing over to the application, and stopping in order. */
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { IncomingMessage } from "node:http";
import { ApiError } from "../../machines/objects/status.ts";
import { type ClientCertificate, clientCertificateOf } from "./client_certificate.ts";
import type { Credentials } from "../machinery/types.ts";
import { answered, type RawResponse, type ServerEnvironment, type UpgradeOffer } from "./environment.ts";
import { Session } from "./http2/session.ts";
import { type IncomingRequest, NodeRequest } from "./incoming_request.ts";
import { headersOf, lightRequest } from "./light_request.ts";
import { NodeRawResponse, type OutgoingResponse, type OwnResponse, sendResponse } from "./raw_response.ts";
import { withSocketToken } from "./socket_token.ts";
import { answerOnSocket, UpgradeResponse } from "./upgrade.ts";

export interface ListenAddress {
  /** An IP address. 0.0.0.0 only if the caller really says so. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Whether other processes listen there too: each connection goes to one of them. */
  readonly shared?: boolean;
}

export interface ServeOptions {
  readonly addresses: readonly ListenAddress[];
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** PEM; client certificates signed by it are believed. Without it none is asked for. */
  readonly clientCertificateAuthority?: string;
  /** A bug in the application, for the log. The client gets a 500. */
  onError?(error: unknown): void;
  fetch(request: Request, environment: ServerEnvironment): Response | Promise<Response>;
}

export interface Server {
  /** Where it listens, in the order asked for, with the ports that were free. */
  readonly addresses: readonly ListenAddress[];
  /** Open connections. */
  readonly connections: number;
  /**
   * Stops accepting, asks lasting responses to end, lets requests under way finish and closes. What is still open after
   * `graceMs` is cut.
   */
  close(graceMs: number): Promise<void>;
}

type NodeServer = https.Server;

/** Streams that one HTTP/2 connection may have open (kube-apiserver's default). */
const maxConcurrentStreams = 250;
/** How long a connection of HTTP/1.1 may be idle. */
const idleMs = 120_000;
/** How long a connection may take to say what it wants (kube-apiserver's): those who never do hold nothing for ever. */
const patience = { handshakeMs: 10_000, requestHeadMs: 32_000 };

export async function serve(options: ServeOptions): Promise<Server> {
  const listener = new Listener(options);
  const servers: NodeServer[] = [];
  try {
    for (const address of options.addresses) servers.push(await listener.listen(address));
  } catch (error) {
    await listener.close(0);
    throw error;
  }
  return listener;
}

class Listener implements Server {
  readonly #options: ServeOptions;
  readonly #servers: NodeServer[] = [];
  readonly #sockets = new Set<TLSSocket>();
  readonly #sessions = new Set<Session>();
  /** Of lasting responses: told when draining begins. */
  readonly #draining = new Set<() => void>();
  /** Who is at the other end, read once per connection. */
  readonly #peers = new WeakMap<object, Peer>();
  /** Connections between two requests, or before the first. */
  readonly #awaited = new Map<object, ReturnType<typeof setTimeout>>();
  readonly addresses: ListenAddress[] = [];
  #underWay = 0;
  #stopping = false;
  #idle: (() => void) | undefined;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  listen(address: ListenAddress): Promise<NodeServer> {
    const { certificate, key, clientCertificateAuthority } = this.#options;
    const server = https.createServer({
      ALPNProtocols: ["h2", "http/1.1"],
      cert: certificate,
      key,
      minVersion: "TLSv1.2",
      handshakeTimeout: patience.handshakeMs,
      ...(clientCertificateAuthority === undefined
        ? {}
        : { requestCert: true, rejectUnauthorized: false, ca: clientCertificateAuthority }),
    });
    this.#servers.push(server);
    // Go's clients keep idle connections for 90 s: whoever closes first must be the client, or a request is lost.
    Object.assign(server, { keepAliveTimeout: idleMs });
    const [beginHttp1] = server.listeners("secureConnection");
    server.removeAllListeners("secureConnection");
    server.on("secureConnection", (socket: TLSSocket) => {
      this.#accept(socket);
      if (socket.alpnProtocol === "h2") this.#beginSession(socket);
      else beginHttp1!.call(server, socket);
    });
    server.on("request", (incoming, outgoing) => {
      const socket = incoming.socket as TLSSocket;
      this.#requestCame(socket);
      outgoing.once("close", () => this.#awaitRequest(socket, idleMs));
      const raw = new NodeRawResponse(outgoing as unknown as OutgoingResponse, this.#draining);
      void this.#answer(new NodeRequest(incoming), raw, this.#peerOf(socket));
    });
    server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => {
      this.#requestCame(socket);
      void this.#offer(incoming, socket, head);
    });
    // A port scan or a client that distrusts our certificate: its own affair.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    const { promise, resolve, reject } = Promise.withResolvers<NodeServer>();
    server.once("error", (error: Error) => {
      reject(new Error(`Cannot listen on ${address.host}:${address.port}: ${error.message}`, { cause: error }));
    });
    const { host, port, shared = false } = address;
    server.listen({ host, port, reusePort: shared } as Parameters<NodeServer["listen"]>[0], () => {
      this.addresses.push({ host, port: (server.address() as AddressInfo).port });
      resolve(server);
    });
    return promise;
  }

  #accept(socket: TLSSocket): void {
    // Otherwise a response in two writes waits 40 ms for the peer's delayed acknowledgement.
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    this.#awaitRequest(socket, patience.requestHeadMs);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#requestCame(socket);
    });
    socket.on("error", () => socket.destroy());
    this.#peers.set(socket, peerOf(socket));
  }

  #beginSession(socket: TLSSocket): void {
    const peer = this.#peerOf(socket);
    const session: Session = new Session(socket, {
      maxConcurrentStreams,
      draining: this.#draining,
      date: httpDate,
      request: (stream) => void this.#answer(stream, stream, peer).finally(() => session.answered()),
    });
    this.#sessions.add(session);
    const limit = setTimeout(() => session.hasBegun || session.destroy(), patience.requestHeadMs);
    socket.on("close", () => {
      clearTimeout(limit);
      this.#sessions.delete(session);
    });
  }

  /** Cuts a connection of HTTP/1.1 whose next request is not there in time, however busily its head drips in. */
  #awaitRequest(socket: TLSSocket, ms: number): void {
    this.#requestCame(socket);
    if (socket.destroyed || socket.alpnProtocol === "h2") return;
    this.#awaited.set(socket, setTimeout(() => socket.destroy(), ms));
  }

  #requestCame(socket: object | null | undefined): void {
    if (!socket) return;
    clearTimeout(this.#awaited.get(socket));
    this.#awaited.delete(socket);
  }

  #peerOf(socket: object): Peer {
    return this.#peers.get(socket) ?? nobody;
  }

  async #answer(incoming: IncomingRequest, raw: OwnResponse, peer: Peer): Promise<void> {
    this.#underWay++;
    raw.onClose(() => this.#finished());
    const request = lightRequest(incoming, originOf(incoming), abortSignalOf(raw));
    const environment = new Environment(incoming.headers, raw, peer, () => request.headers);
    const isHead = incoming.method === "HEAD";
    try {
      const response = await this.#options.fetch(request, environment);
      if (response === answered || raw.closed) return;
      if (raw.begun) throw new Error("Cannot send a response: the application had begun one through `raw`");
      // After a refused body the rest of it is still on its way, and would be read as the next request.
      const last = this.#stopping || response.status === 413;
      if (last && peer.httpVersion !== "2.0") response.headers.set("connection", "close");
      await sendResponse(response, raw, isHead);
    } catch (error) {
      this.#options.onError?.(error);
      if (raw.closed) return;
      if (raw.begun) raw.destroy();
      else {
        try {
          await sendResponse(internalError(error), raw, isHead);
        } catch {
          raw.destroy();
        }
      }
    }
  }

  async #offer(incoming: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<void> {
    this.#underWay++;
    let taken = false;
    const outgoing = new UpgradeResponse(socket);
    const raw = new NodeRawResponse(outgoing, this.#draining);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => outgoing.destroy());
    let over = false;
    const finished = () => {
      if (!over) this.#finished();
      over = true;
    };
    raw.onClose(finished);
    const protocol = String(incoming.headers.upgrade ?? "").toLowerCase();
    const sent = protocol === "websocket" ? withSocketToken(incoming.headers) : incoming.headers;
    const upgrade: UpgradeOffer = {
      protocol,
      method: incoming.method ?? "GET",
      target: incoming.url ?? "/",
      rawHeaders: incoming.rawHeaders,
      headers: sent,
      take: () => {
        taken = true;
        // Sessions last for hours: draining does not wait for them, it cuts them.
        finished();
        return { socket, head };
      },
    };
    const headers = headersOf({ headers: sent });
    // A request that asks to be upgraded has no body: what follows belongs to the next protocol.
    const request = new Request(originOf(incoming) + upgrade.target, { method: upgrade.method, headers });
    const environment = new Environment(sent, raw, this.#peerOf(socket), () => headers);
    try {
      const response = await this.#options.fetch(request, Object.assign(environment, { upgrade }));
      if (taken || response === answered) return;
      await answerOnSocket(response, socket);
    } catch (error) {
      this.#options.onError?.(error);
      if (taken) socket.destroy();
      else await answerOnSocket(internalError(error), socket);
    }
  }

  #finished(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#idle?.();
  }

  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    const closed = this.#servers.map((server) => closeServer(server));
    for (const callback of [...this.#draining]) callback();
    if (this.#underWay > 0 && graceMs > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const limit = setTimeout(resolve, graceMs);
      this.#idle = resolve;
      await promise;
      clearTimeout(limit);
    }
    for (const session of this.#sessions) session.close();
    for (const socket of this.#sockets) if (socket.alpnProtocol !== "h2") socket.destroySoon();
    if (graceMs === 0 || this.#underWay > 0) {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    }
    await Promise.all(closed);
  }
}

/** The other end of a connection. */
interface Peer {
  readonly certificate: ClientCertificate;
  readonly httpVersion: string;
  readonly remoteAddress: string;
}

const nobody: Peer = { certificate: { clientCertificate: undefined }, httpVersion: "1.1", remoteAddress: "" };

function peerOf(socket: TLSSocket): Peer {
  return {
    certificate: clientCertificateOf(socket),
    httpVersion: socket.alpnProtocol === "h2" ? "2.0" : "1.1",
    remoteAddress: socket.remoteAddress ?? "",
  };
}

class Environment implements ServerEnvironment {
  readonly credentials: Credentials;
  readonly remoteAddress: string;
  readonly httpVersion: string;

  constructor(
    readonly headers: ServerEnvironment["headers"],
    readonly raw: RawResponse,
    { certificate, remoteAddress, httpVersion }: Peer,
    realHeaders: () => Headers,
  ) {
    const { authorization } = headers;
    this.credentials = {
      authorization: typeof authorization === "string" ? authorization : undefined,
      ...certificate,
      get headers() {
        return realHeaders();
      },
    };
    this.remoteAddress = remoteAddress;
    this.httpVersion = httpVersion;
  }
}

let second = 0;
let secondText = "";

/** What time it is, as HTTP writes it; most answers are sent in the same second as another. */
function httpDate(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    secondText = new Date(now * 1000).toUTCString();
  }
  return secondText;
}

function closeServer(server: NodeServer): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}

function originOf(incoming: Pick<IncomingRequest, "headers">): string {
  const host = incoming.headers[":authority"] ?? incoming.headers["host"];
  // A host that is no host would make every URL of the request unreadable.
  return typeof host === "string" && /^[A-Za-z0-9._:\[\]-]+$/.test(host) ? `https://${host}` : "https://localhost";
}

function abortSignalOf(raw: RawResponse): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller === undefined) {
      const made = new AbortController();
      controller = made;
      raw.onClose(() => made.abort());
    }
    return controller.signal;
  };
}

function internalError(error: unknown): Response {
  const status = error instanceof ApiError
    ? error.status
    : new ApiError(500, "InternalError", `Internal error occurred: ${error instanceof Error ? error.message : error}`)
      .status;
  return Response.json(status, { status: status.code ?? 500 });
}
