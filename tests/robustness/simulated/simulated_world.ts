/** A store of three members and their accidents, on simulated disks, network and clock: the same seed, the same run. */
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { SimulatedClock } from "../../../actors/simulated/simulated_clock.ts";
import { SimulatedNetwork } from "../../../actors/simulated/simulated_transport.ts";
import {
  openReplicatedStorage,
  type ReplicatedStorage,
  type ReplicatedStorageOptions,
} from "../../../actors/store/replica/open_replicated_storage.ts";
import { ActorSystem } from "../../../actors/system.ts";
import type { Disk } from "../../../ports/disk.ts";
import type { Random } from "../../../ports/random.ts";
import type { JoinTicket } from "../../../ports/store_membership.ts";
import type { Transport } from "../../../ports/transport.ts";
import { seededRandom } from "../../contracts/test_world.ts";
import { History } from "../history.ts";
import type { Access, Door } from "../recorder.ts";
import { calm, type DiskTrouble, type Membership, type Stage, type Standing, standingOf } from "../stage.ts";
import { PausableProcess } from "./pausable_process.ts";

export const cluster = "00000000000000c1";
export const founders = ["a", "b", "c"] as const;
export const peerAddress = (name: string): string => `https://${name}.test:2380`;

/** What tests may put between the store and what it stands on. */
export interface Seams {
  disk?(name: string, disk: SimulatedDisk): Disk;
  transport?(name: string, transport: Transport): Transport;
  access?(name: string, storage: ReplicatedStorage): Access;
  /** Before a member is started again. */
  restarting?(name: string, disk: SimulatedDisk): void | Promise<void>;
  readonly options?: Partial<ReplicatedStorageOptions>;
  /** What half of a disk's operations take at most; the others take no time. */
  readonly slowestDiskMs?: number;
}

interface Member {
  readonly storage: ReplicatedStorage;
  readonly process: PausableProcess;
  readonly system: ActorSystem;
  readonly door: Door;
}

/** Small, so that snapshots, segments and messages in several pieces are ordinary things. */
const small: Partial<ReplicatedStorageOptions> = {
  snapshotEvery: { entries: 40, bytes: 1 << 20 },
  segmentBytes: 4_000,
  raft: { keptEntries: 15, maxMessageBytes: 2_000, maxInFlight: 4 },
  compareHashesEveryMs: 5_000,
};

export class SimulatedWorld implements Stage {
  readonly clock = new SimulatedClock();
  readonly history = new History(() => this.clock.now());
  readonly random: Random;
  readonly network: SimulatedNetwork;
  /** Everybody who is a member, or is about to be. */
  readonly names = new Set<string>(founders);
  readonly #running = new Map<string, Member>();
  readonly #disks = new Map<string, SimulatedDisk>();
  readonly #tickets = new Map<string, ReplicatedStorageOptions["begin"]>();
  readonly #lives = new Map<string, number>();
  #draws = 0;

  constructor(readonly seed: number, readonly seams: Seams = {}) {
    this.random = this.chance();
    this.network = new SimulatedNetwork(this.clock, this.chance(), calm);
  }

  /** A stream of draws of its own. */
  chance(): Random {
    return seededRandom(this.seed * 1_000_003 + ++this.#draws * 7_919);
  }

  doors(): Door[] {
    return [...this.#running.values()].map(({ door }) => door);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.wakeAt(this.clock.now() + ms, resolve));
  }

  disk(name: string): SimulatedDisk {
    let disk = this.#disks.get(name);
    if (disk === undefined) this.#disks.set(name, disk = new SimulatedDisk({ random: this.chance() }));
    return disk;
  }

  storage(name: string): ReplicatedStorage {
    const member = this.#running.get(name);
    if (member === undefined) throw new Error(`Cannot find member ${name}: it does not run`);
    return member.storage;
  }

  /** @throws StorageError when it cannot be opened. */
  async start(name: string): Promise<ReplicatedStorage> {
    const life = (this.#lives.get(name) ?? 0) + 1;
    this.#lives.set(name, life);
    const disk = this.disk(name);
    await this.seams.restarting?.(name, disk);
    const draws = this.chance();
    const { slowestDiskMs = 4 } = this.seams;
    const process = new PausableProcess(this.clock, () => draws.next() < 0.5 ? 0 : draws.next() * slowestDiskMs);
    const system = new ActorSystem({ clock: process });
    const transport = process.transport(this.network.join(name));
    const storage = await openReplicatedStorage({
      disk: process.disk(this.seams.disk?.(name, disk) ?? disk),
      clock: process,
      random: this.chance(),
      transport: this.seams.transport?.(name, transport) ?? transport,
      system,
      name,
      peerAddresses: [peerAddress(name)],
      begin: this.#tickets.get(name) ??
        { found: { cluster, members: founders.map((each) => ({ name: each, peerAddresses: [peerAddress(each)] })) } },
      ...small,
      ...this.seams.options,
    });
    const access = process.access(this.seams.access?.(name, storage) ?? storage);
    this.#running.set(name, { storage, process, system, door: { member: name, life, access } });
    return storage;
  }

  /** Its process is gone from one moment to the next: `power`, with what its disk had not synced. */
  async kill(name: string, { power = false } = {}): Promise<void> {
    const { storage, system, process } = this.#running.get(name)!;
    this.#running.delete(name);
    const disk = this.disk(name);
    if (power) disk.crash();
    else disk.abandon();
    system.stopAll();
    process.resume();
    await storage.close();
    disk.restart();
  }

  pause(name: string): void {
    this.#running.get(name)?.process.pause();
  }

  resume(name: string): void {
    this.#running.get(name)?.process.resume();
  }

  running(): string[] {
    return [...this.#running.keys()];
  }

  // deno-lint-ignore require-await
  async standing(name: string): Promise<Standing | undefined> {
    return this.look(name);
  }

  /** The same at once; also of a process that stands still. */
  look(name: string): Standing | undefined {
    const member = this.#running.get(name);
    if (member === undefined) return undefined;
    return standingOf(member.storage);
  }

  /** Who leads, as far as it knows. */
  get leader(): string | undefined {
    const leads = [...this.#running.keys()].map((name) => ({ name, ...this.look(name)! }))
      .filter(({ id, leader, failed }) => id === leader && failed === undefined);
    return leads.sort((a, b) => b.term - a.term)[0]?.name;
  }

  // deno-lint-ignore require-await
  async troubleDisk(name: string, trouble: DiskTrouble): Promise<void> {
    const disk = this.disk(name);
    disk.failAt(disk.operations + 1 + Math.floor(this.random.next() * 8), trouble);
  }

  // deno-lint-ignore require-await
  async mendDisk(name: string): Promise<void> {
    this.disk(name).restart();
  }

  async cutTail(name: string, bytes: number): Promise<void> {
    const disk = this.disk(name);
    const segment = (await disk.list("store")).filter((each) => each.endsWith(".log")).at(-1)!;
    const { length } = await disk.read(`store/${segment}`);
    disk.cut(`store/${segment}`, Math.max(0, length - bytes));
  }

  membership(name: string): Membership {
    const { membership } = this.storage(name);
    return {
      // deno-lint-ignore require-await
      records: async () => membership.records(),
      addLearner: (member) => membership.addLearner(member),
      promote: (id) => membership.promote(id),
      remove: (id) => membership.remove(id),
      moveLeader: () => membership.moveLeader(),
    };
  }

  // deno-lint-ignore require-await
  async peerAddress(name: string): Promise<string> {
    return peerAddress(name);
  }

  welcome(name: string, join: JoinTicket): void {
    this.names.add(name);
    this.#tickets.set(name, { join });
  }

  /** Lets time pass until the work is done. @throws Error when it is not within the limit. */
  async run<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let isOver = false;
    work.then(() => (isOver = true), () => (isOver = true));
    await this.clock.until(() => isOver, limitMs);
    return await work;
  }

  async closeAll(): Promise<void> {
    for (const [name, { storage, process }] of [...this.#running]) {
      process.resume();
      this.#running.delete(name);
      await storage.close();
    }
  }
}
