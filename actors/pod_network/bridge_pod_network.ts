/**
 * A node's pods on a bridge of their own. Nothing is remembered outside the kernel: a link's alias says whose it is
 * and which address it has, so a process that was killed finds everything again.
 *
 * A sandbox's link is made with its bridge in one step, so that a link whose bridge is ours is ours too, however far
 * its wiring had come.
 */
import { AddressPool } from "../../machines/network/address_pool.ts";
import { type AddressPlan, type NodePlan, nodePlan } from "../../machines/network/address_plan.ts";
import { inCidr, parseAddress } from "../../machines/network/cidr.ts";
import { podsScript } from "../../machines/network/pods_table.ts";
import type { PacketFilter } from "../../ports/packet_filter.ts";
import type { PodNetwork } from "../../ports/pod_network.ts";
import { acceptForwarding } from "./docker_rules.ts";
import { ipBatch, linksWith, outsideMtu, removeLinks } from "./ip_tool.ts";
import { setSysctls } from "./sysctl.ts";

export interface BridgeOptions {
  readonly plan: AddressPlan;
  /** The node's number in the cluster. */
  readonly node: number;
  readonly packetFilter: PacketFilter;
}

interface Wired {
  readonly link: string;
  readonly podIP: string;
  /** It hangs on no bridge of ours. */
  readonly isLoose: boolean;
}

export class BridgePodNetwork implements PodNetwork {
  readonly nodePlan: NodePlan;
  readonly #options: BridgeOptions;
  readonly #pool: AddressPool;
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** How many sandboxes were found wired at the start; undefined before it. */
  #adopted: number | undefined;
  #mtu = 1500;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.nodePlan = nodePlan(options.plan, options.node);
    this.#pool = new AddressPool(this.nodePlan.podCidr);
  }

  /** Sets up the bridge and all around it, and adopts the sandboxes that are wired. Idempotent: repairs what is missing. */
  async setUp(): Promise<{ adopted: number; warnings: string[] }> {
    const { plan, packetFilter } = this.#options;
    const { bridge, gateway, address } = this.nodePlan;
    this.#mtu = await outsideMtu();
    const links = await linksWith(plan.linkPrefix);
    const what = `set up bridge ${bridge}`;
    if (!links.some(({ ifname }) => ifname === bridge)) {
      // A fixed hardware address: else the bridge takes its ports' and pods' neighbour entries go stale.
      await ipBatch([`link add name ${bridge} address ${hardwareAddress(gateway)} mtu ${this.#mtu} type bridge`], {
        what,
      });
    }
    await ipBatch([
      `link set dev ${bridge} up`,
      `address replace ${gateway}/${plan.nodePodPrefix} dev ${bridge}`,
      `address replace ${address}/32 dev ${bridge}`,
      // Where service addresses seem to be, so that programs of the host choose the node's address as theirs.
      `route replace ${plan.serviceCidr} dev ${bridge} src ${address} metric ${1000 + this.#options.node}`,
    ], { what });
    const warnings = await setSysctls([
      ["net.ipv4.ip_forward", "1", true],
      [`net.ipv4.conf.${bridge}.route_localnet`, "1", true],
      // Without it a pod is answered by its neighbour directly, past the translation.
      ["net.bridge.bridge-nf-call-iptables", "1", false],
    ]);
    await packetFilter.apply(podsScript(plan));
    await acceptForwarding(plan.podsTable, plan.podCidr);
    const found = await this.#look();
    await this.#adopt(found);
    await this.#fasten(found.wired);
    return { adopted: this.#adopted ?? 0, warnings };
  }

  attach(sandbox: { id: string; pid: number; podKey: string }): Promise<{ podIP: string }> {
    return this.#inTurn(sandbox.id, async () => {
      const link = this.#linkName(sandbox.id);
      const there = (await linksWith(link)).find(({ ifname }) => ifname === link);
      const isNew = this.#pool.addressOf(sandbox.id) === undefined;
      const podIP = this.#pool.allocate(sandbox.id);
      const what = `wire pod ${sandbox.podKey}`;
      try {
        // A link of that name may still lead to the namespace of a former life of the sandbox: then it is made anew.
        const isWired = there?.ifalias === this.#alias(sandbox.id, podIP) &&
          await this.#configure(sandbox.pid, podIP, what).then(() => true, () => false);
        if (!isWired) {
          if (there !== undefined) await removeLinks([link], what);
          await this.#makeLink(link, sandbox, podIP, what);
          await this.#configure(sandbox.pid, podIP, what);
        }
      } catch (error) {
        await this.#removeLink(link).catch(() => {}); // It may not have come into being; the first error tells why.
        if (isNew) this.#pool.release(sandbox.id);
        throw error;
      }
      return { podIP };
    });
  }

  detach(sandboxId: string): Promise<void> {
    return this.#inTurn(sandboxId, async () => {
      await this.#removeLink(this.#linkName(sandboxId));
      this.#pool.release(sandboxId);
    });
  }

  async list(): Promise<ReadonlyMap<string, { podIP: string }>> {
    const { wired } = await this.#look();
    return new Map([...wired].map(([id, { podIP }]) => [id, { podIP }]));
  }

  /** Removes the bridge and what hangs on it. Idempotent. */
  async tearDown(): Promise<void> {
    const { bridge } = this.nodePlan;
    const links = await linksWith(this.#options.plan.linkPrefix);
    const own = links.filter(({ ifname, master }) => ifname === bridge || master === bridge);
    await removeLinks(own.map(({ ifname }) => ifname), `remove bridge ${bridge}`);
    for (const [owner] of [...this.#pool.entries()]) this.#pool.release(owner);
  }

  /** The pod's side of the link. */
  #configure(pid: number, podIP: string, what: string): Promise<void> {
    return ipBatch([
      `address replace ${podIP}/${this.#options.plan.nodePodPrefix} dev eth0`,
      "link set dev eth0 up",
      "link set dev lo up",
      `route replace default via ${this.nodePlan.gateway}`,
    ], { what, pid });
  }

  async #makeLink(
    link: string,
    sandbox: { id: string; pid: number },
    podIP: string,
    what: string,
  ): Promise<void> {
    await ipBatch([
      `link add name ${link} master ${this.nodePlan.bridge} mtu ${this.#mtu} type veth ` +
      `peer name eth0 address ${hardwareAddress(podIP)} mtu ${this.#mtu} netns ${sandbox.pid}`,
      `link set dev ${link} type bridge_slave hairpin on`,
      `link set dev ${link} alias ${this.#alias(sandbox.id, podIP)} up`,
    ], { what });
  }

  async #removeLink(link: string): Promise<void> {
    const exists = (await linksWith(link)).some(({ ifname }) => ifname === link);
    if (exists) await removeLinks([link], `remove link ${link}`);
  }

  /** One thing at a time per sandbox. */
  #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(id) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.then(() => {}, () => {}).then(() => {
      if (this.#underWay.get(id) === settled) this.#underWay.delete(id);
    });
    this.#underWay.set(id, settled);
    return turn;
  }

  /** Links of this node: those on its bridge, and those whose address is of its range. */
  async #look(): Promise<{ wired: Map<string, Wired>; broken: string[] }> {
    const { bridge, podCidr } = this.nodePlan;
    const wired = new Map<string, Wired>();
    const broken: string[] = [];
    for (const { ifname, ifalias, master } of await linksWith(this.#options.plan.linkPrefix)) {
      const [, id, podIP] = /^chartroom\/([^/]+)\/([\d.]+)$/.exec(ifalias ?? "") ?? [];
      if (id !== undefined && podIP !== undefined && inCidr(podCidr, podIP)) {
        wired.set(id, { link: ifname, podIP, isLoose: master !== bridge });
      } else if (master === bridge) {
        broken.push(ifname);
      }
    }
    return { wired, broken };
  }

  /**
   * Once per process: links whose wiring was cut short are removed, since their sandboxes are wired anew, and the
   * addresses of the others are taken over.
   */
  async #adopt({ wired, broken }: { wired: ReadonlyMap<string, Wired>; broken: readonly string[] }): Promise<void> {
    if (this.#adopted !== undefined) return;
    await removeLinks(broken, "remove unfinished links");
    for (const [id, { podIP }] of wired) this.#pool.adopt(id, podIP);
    this.#adopted = wired.size;
  }

  /** Links that lost their bridge, because somebody removed it, are put on the new one. */
  async #fasten(wired: ReadonlyMap<string, Wired>): Promise<void> {
    const loose = [...wired.values()].filter(({ isLoose }) => isLoose);
    if (loose.length === 0) return;
    const { bridge } = this.nodePlan;
    await ipBatch(
      loose.flatMap(({ link }) => [
        `link set dev ${link} master ${bridge}`,
        `link set dev ${link} type bridge_slave hairpin on`,
      ]),
      { what: `put pods back on bridge ${bridge}` },
    );
  }

  #linkName(sandboxId: string): string {
    return `${this.#options.plan.linkPrefix}${shortForm(sandboxId)}`;
  }

  #alias(sandboxId: string, podIP: string): string {
    return `chartroom/${sandboxId}/${podIP}`;
  }
}

/** Ten characters that stand for an id in a link's name: its start when it is a hash, else a hash of it (FNV-1a). */
function shortForm(id: string): string {
  if (/^[0-9a-f]{32,}$/.test(id)) return id.slice(0, 10);
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(id)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0").slice(0, 10);
}

/** A locally administered hardware address that follows from the IPv4 address. */
function hardwareAddress(address: string): string {
  const hex = parseAddress(address).toString(16).padStart(8, "0");
  return `0a:58:${hex.match(/../g)!.join(":")}`;
}
