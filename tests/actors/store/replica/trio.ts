/** Members of a store in one process, on simulated disks, network and clock. */
import { SimulatedClock } from "../../../../actors/simulated/simulated_clock.ts";
import { SimulatedDisk } from "../../../../actors/simulated/disk.ts";
import { SimulatedNetwork } from "../../../../actors/simulated/simulated_transport.ts";
import {
  openReplicatedStorage,
  type ReplicatedStorage,
  type ReplicatedStorageOptions,
} from "../../../../actors/store/replica/open_replicated_storage.ts";
import { ActorSystem } from "../../../../actors/system.ts";
import { seededRandom } from "../../../contracts/test_world.ts";

export const cluster = "00000000000000c1";
export const names = ["a", "b", "c"] as const;
export const addressOf = (name: string) => `https://${name}.test:2380`;
export const founders = names.map((name) => ({ name, peerAddresses: [addressOf(name)] }));

export class Trio {
  readonly clock = new SimulatedClock();
  readonly network: SimulatedNetwork;
  readonly disks = new Map<string, SimulatedDisk>();
  readonly open = new Map<string, ReplicatedStorage>();
  #lives = 0;
  readonly systems = new Map<string, ActorSystem>();

  constructor(readonly seed = 1, readonly options: Partial<ReplicatedStorageOptions> = {}) {
    this.network = new SimulatedNetwork(this.clock, seededRandom(seed), { delayMs: [0, 0] });
  }

  disk(name: string): SimulatedDisk {
    let disk = this.disks.get(name);
    if (disk === undefined) {
      disk = new SimulatedDisk({ random: seededRandom(this.seed * 100 + name.charCodeAt(0)) });
      this.disks.set(name, disk);
    }
    return disk;
  }

  start(name: string, options: Partial<ReplicatedStorageOptions> = {}): Promise<ReplicatedStorage> {
    const system = new ActorSystem({ clock: this.clock });
    this.systems.set(name, system);
    return this.within(
      openReplicatedStorage({
        disk: this.disk(name),
        clock: this.clock,
        // Another one for each life: members know their own by what they draw.
        random: seededRandom(this.seed * 1_000_003 + ++this.#lives),
        transport: this.network.join(name),
        system,
        name,
        peerAddresses: [addressOf(name)],
        begin: { found: { cluster, members: founders } },
        compareHashesEveryMs: 0,
        ...this.options,
        ...options,
      }).then((storage) => {
        this.open.set(name, storage);
        return storage;
      }),
    );
  }

  async startAll(): Promise<ReplicatedStorage> {
    await Promise.all(names.map((name) => this.start(name)));
    return await this.leader();
  }

  /** Lets time pass until one of those that are open leads, and the others that can hear it know. */
  async leader(limitMs = 30_000): Promise<ReplicatedStorage> {
    let found: ReplicatedStorage | undefined;
    await this.clock.until(() => (found = this.findLeader()) !== undefined, limitMs);
    return found!;
  }

  findLeader(): ReplicatedStorage | undefined {
    return [...this.open.values()].filter((storage) => {
      const { leader, id, commit, term, log } = storage.log.getSnapshot().context;
      return leader === id && commit === log.last.index && log.last.term === term;
    }).sort((a, b) => b.log.getSnapshot().context.term - a.log.getSnapshot().context.term)[0];
  }

  nameOf(storage: ReplicatedStorage): string {
    return [...this.open].find(([, each]) => each === storage)![0];
  }

  followers(): ReplicatedStorage[] {
    return [...this.open.values()].filter((each) => each !== this.findLeader());
  }

  /** Its process is gone from one moment to the next; what its disk has synced is there. */
  async kill(name: string): Promise<void> {
    this.disk(name).crash();
    this.systems.get(name)!.stopAll();
    await this.within(this.open.get(name)?.close() ?? Promise.resolve());
    this.open.delete(name);
    this.disk(name).restart();
  }

  /** Lets time pass for as long as it takes until the promise is settled. */
  async within<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isOver = false;
    promise.then(() => (isOver = true), () => (isOver = true));
    await this.clock.until(() => isOver, limitMs);
    return await promise;
  }

  async closeAll(): Promise<void> {
    for (const [name, storage] of this.open) {
      await this.within(storage.close());
      this.open.delete(name);
    }
  }
}
