/** Asks the host's name servers what the cluster does not know. Messages go on as they came, but for their id. */
import { createSocket } from "node:dgram";
import { nameServers } from "../../machines/dns/resolv_conf.ts";
import type { Clock, Wake } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { messageId, withId } from "./dns_codec.ts";
import { readFramed, writeFramed } from "./dns_stream.ts";

export interface ForwarderOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: read from the host's `/etc/resolv.conf`, again when it is older than a few seconds. */
  readonly servers?: readonly { readonly address: string; readonly port?: number }[];
  /** The name server's own addresses: it must not ask itself. */
  readonly own: readonly string[];
  readonly timeoutMs?: number;
}

const resolvConf = "/etc/resolv.conf";
const rereadAfterMs = 5_000;
/** Questions under way at once; more are refused, so that a dead upstream cannot eat the process' sockets. */
const mostAtOnce = 500;

export class Forwarder {
  readonly #options: ForwarderOptions;
  #servers: readonly { address: string; port?: number }[] = [];
  #readAt = -Infinity;
  #underWay = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /**
   * The first answer of the host's name servers, asked one after the other.
   *
   * @throws Error when none answers in time, or there is none.
   */
  async ask(query: Uint8Array, transport: "udp" | "tcp"): Promise<Uint8Array> {
    if (this.#underWay >= mostAtOnce) throw new Error(`Cannot forward DNS query: ${mostAtOnce} are under way`);
    this.#underWay++;
    try {
      let reason: unknown = new Error(`Cannot forward DNS query: no name server in ${resolvConf}`);
      for (const { address, port = 53 } of await this.#current()) {
        try {
          return await (transport === "udp" ? this.#askUdp(query, address, port) : this.#askTcp(query, address, port));
        } catch (error) {
          reason = error;
        }
      }
      throw reason;
    } finally {
      this.#underWay--;
    }
  }

  async #current() {
    const { servers, clock, own } = this.#options;
    if (servers !== undefined) return servers;
    if (clock.now() - this.#readAt > rereadAfterMs) {
      const text = await Deno.readTextFile(resolvConf);
      this.#servers = nameServers(text).filter((address) => !own.includes(address)).map((address) => ({ address }));
      this.#readAt = clock.now();
    }
    return this.#servers;
  }

  #askUdp(query: Uint8Array, address: string, port: number): Promise<Uint8Array> {
    const { clock, random, timeoutMs = 2_000 } = this.#options;
    // A fresh socket, so a fresh port, and a drawn id: an answer cannot be guessed.
    const id = Math.floor(random.next() * 65_536);
    const asked = messageId(query)!;
    return new Promise((resolve, reject) => {
      const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
      const end = (settle: () => void) => {
        wake.cancel();
        socket.removeAllListeners();
        socket.on("error", () => {}); // It is being closed: nothing more is expected of it.
        socket.close();
        settle();
      };
      const wake: Wake = clock.wakeAt(clock.now() + timeoutMs, () => {
        end(() => reject(new Error(`Cannot forward DNS query: ${address} did not answer in ${timeoutMs} ms`)));
      });
      socket.on("error", (error) => end(() => reject(error)));
      socket.on("message", (message: Uint8Array, from: { address: string; port: number }) => {
        if (from.port !== port || messageId(message) !== id) return;
        end(() => resolve(withId(message, asked)));
      });
      socket.send(withId(query, id), port, address);
    });
  }

  async #askTcp(query: Uint8Array, address: string, port: number): Promise<Uint8Array> {
    const { clock, timeoutMs = 2_000 } = this.#options;
    const connection = await Deno.connect({ hostname: address, port });
    const wake = clock.wakeAt(clock.now() + timeoutMs, () => connection.close());
    try {
      await writeFramed(connection, query);
      for await (const message of readFramed(connection)) return message;
      throw new Error(`Cannot forward DNS query: ${address} closed the connection`);
    } finally {
      wake.cancel();
      try {
        connection.close();
      } catch {
        // The time-out has closed it.
      }
    }
  }
}
