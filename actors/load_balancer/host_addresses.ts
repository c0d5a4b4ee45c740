/** Addresses that the host answers to besides its own. */
import { addressesOf, ipBatch, linksWith, removeLinks } from "../pod_network/ip_tool.ts";

export interface HostAddresses {
  /** Makes these the ones, no more and no fewer. Idempotent. */
  set(addresses: readonly string[]): Promise<void>;
}

/**
 * Each as a /32 on a link of its own, a bridge without ports: it needs no module, and goes with all its addresses when
 * the cluster's links are removed. Others reach them over a route to this host.
 */
export class LinkAddresses implements HostAddresses {
  /** `link`: the cluster's link prefix and a word, 15 characters at most. */
  constructor(readonly link: string) {}

  async set(addresses: readonly string[]): Promise<void> {
    try {
      await this.#settle(addresses);
    } catch {
      // Several masters of a host may set the same at once: what one of them found missing another has made since.
      await this.#settle(addresses);
    }
  }

  async #settle(addresses: readonly string[]): Promise<void> {
    const exists = (await linksWith(this.link)).some(({ ifname }) => ifname === this.link);
    const what = `set addresses of ${this.link}`;
    if (addresses.length === 0) return exists ? await removeLinks([this.link], what) : undefined;
    const present = exists
      ? (await addressesOf(this.link)).filter(({ link }) => link === this.link).map(({ address }) => address)
      : [];
    const commands = [
      ...(exists ? [] : [`link add name ${this.link} type bridge`, `link set dev ${this.link} up`]),
      ...present.filter((address) => !addresses.includes(address)).map((address) =>
        `address delete ${address}/32 dev ${this.link}`
      ),
      ...addresses.filter((address) => !present.includes(address)).map((address) =>
        `address replace ${address}/32 dev ${this.link}`
      ),
    ];
    if (commands.length > 0) await ipBatch(commands, { what });
  }
}

/** For a host without a kernel of its own, and for tests. */
export class MemoryAddresses implements HostAddresses {
  current: readonly string[] = [];

  set(addresses: readonly string[]): Promise<void> {
    this.current = [...addresses];
    return Promise.resolve();
  }
}
