/** The name server's UDP and TCP sockets on one address. */
import { createSocket, type Socket } from "node:dgram";
import type { Clock } from "../../ports/clock.ts";
import { readFramed, writeFramed } from "./dns_stream.ts";

type Respond = (bytes: Uint8Array, transport: "udp" | "tcp") => Promise<Uint8Array | undefined>;

export interface DnsSocketOptions {
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
  readonly respond: Respond;
  /** A socket broke while it was open. */
  readonly failed: () => void;
}

/** TCP connections at once, and how long one may be silent. */
const mostConnections = 128;
const idleMs = 10_000;

export class DnsSockets {
  readonly #options: DnsSocketOptions;
  readonly #connections = new Set<Deno.Conn>();
  #udp: Socket | undefined;
  #tcp: Deno.Listener | undefined;
  #closed = false;

  private constructor(options: DnsSocketOptions) {
    this.#options = options;
  }

  /** @throws Error when one of the two cannot be opened; then none is. */
  static async open(options: DnsSocketOptions): Promise<DnsSockets> {
    const sockets = new DnsSockets(options);
    try {
      const port = await sockets.#openUdp();
      sockets.#tcp = Deno.listen({ hostname: options.address, port, transport: "tcp" });
    } catch (error) {
      await sockets.close();
      throw error;
    }
    void sockets.#accept(sockets.#tcp);
    return sockets;
  }

  get port(): number {
    return (this.#tcp!.addr as Deno.NetAddr).port;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#connections) closeQuietly(connection);
    if (this.#tcp !== undefined) closeQuietly(this.#tcp);
    const udp = this.#udp;
    this.#udp = undefined;
    if (udp !== undefined) await new Promise<void>((resolve) => udp.close(() => resolve()));
  }

  #openUdp(): Promise<number> {
    const { address, port, respond } = this.#options;
    const udp = createSocket("udp4");
    return new Promise((resolve, reject) => {
      udp.once("error", reject);
      udp.bind(port, address, () => {
        udp.removeListener("error", reject);
        this.#udp = udp;
        udp.on("error", () => this.#broke());
        udp.on("message", async (message: Uint8Array, from: { address: string; port: number }) => {
          const answer = await respond(message, "udp");
          // Who asked may be gone, or the socket closed meanwhile: an answer over UDP may always get lost.
          if (answer !== undefined && !this.#closed) udp.send(answer, from.port, from.address, () => {});
        });
        resolve(udp.address().port);
      });
    });
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    try {
      for await (const connection of listener) {
        if (this.#connections.size >= mostConnections) closeQuietly(connection);
        else void this.#serve(connection);
      }
    } catch {
      this.#broke();
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const { clock, respond } = this.#options;
    this.#connections.add(connection);
    const close = () => closeQuietly(connection);
    let wake = clock.wakeAt(clock.now() + idleMs, close);
    try {
      for await (const message of readFramed(connection)) {
        wake.cancel();
        const answer = await respond(message, "tcp");
        if (answer !== undefined) await writeFramed(connection, answer);
        wake = clock.wakeAt(clock.now() + idleMs, close);
      }
    } catch {
      // The asker went away or was silent for too long.
    } finally {
      wake.cancel();
      close();
      this.#connections.delete(connection);
    }
  }

  #broke(): void {
    if (!this.#closed) this.#options.failed();
  }
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // It is closed already.
  }
}
