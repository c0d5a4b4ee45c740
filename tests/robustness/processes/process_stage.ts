/** A store of three members that are processes of their own, on real disks, over TLS. */
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";
import type { JoinTicket } from "../../../ports/store_membership.ts";
import { seededRandom } from "../../contracts/test_world.ts";
import { History } from "../history.ts";
import type { Door } from "../recorder.ts";
import { calm, type DiskTrouble, type Membership, type NetworkFaults, type Stage, type Standing } from "../stage.ts";
import { noLinkFaults } from "./faulty_transport.ts";
import type { MemberConfig } from "./lines.ts";
import { MemberHandle } from "./member_handle.ts";

const cluster = "00000000000000c1";
const founders = ["a", "b", "c"];

/** Small, so that snapshots, segments and messages in several pieces are ordinary things. */
const small = {
  snapshotEvery: { entries: 200, bytes: 1 << 20 },
  segmentBytes: 50_000,
  raft: { keptEntries: 100, maxMessageBytes: 20_000, maxInFlight: 16 },
  compareHashesEveryMs: 5_000,
};

type Running = { readonly handle: MemberHandle; readonly door: Door };

export interface ProcessStageOptions {
  readonly seed: number;
  /** Where members' directories are, each below its name; by default below a temporary directory. */
  directoryOf?(name: string): Promise<string>;
  /** How a disk is filled and emptied; absent: disks have no trouble. */
  readonly fill?: { fill(name: string): Promise<void>; empty(name: string): Promise<void> };
}

export class ProcessStage implements Stage {
  readonly names = new Set(founders);
  readonly history = new History(() => performance.now() - this.#begun);
  readonly random;
  readonly #begun = performance.now();
  readonly #running = new Map<string, Running>();
  readonly #lives = new Map<string, number>();
  readonly #ports = new Map<string, number>();
  readonly #tickets = new Map<string, JoinTicket>();
  readonly #deaf = new Set<string>();
  #faults: NetworkFaults = calm;
  #closing = false;
  readonly #authority = makeAuthority("members", Date.now());
  readonly #root = Deno.makeTempDir({ prefix: "chartroom-robust-" });

  constructor(readonly options: ProcessStageOptions) {
    this.random = seededRandom(options.seed);
  }

  readonly network = {
    partition: (...groups: readonly (readonly string[])[]) => {
      this.#deaf.clear();
      for (const group of groups) {
        for (const other of groups) {
          if (group !== other) { for (const from of group) for (const to of other) this.#deaf.add(`${from} ${to}`); }
        }
      }
      this.#tellFaults();
    },
    cut: (from: string, to: string) => {
      this.#deaf.add(`${from} ${to}`);
      this.#tellFaults();
    },
    heal: () => {
      this.#deaf.clear();
      this.#tellFaults();
    },
    setFaults: (faults: NetworkFaults) => {
      this.#faults = faults;
      this.#tellFaults();
    },
  };

  doors(): Door[] {
    return [...this.#running.values()].map(({ door }) => door);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  running(): string[] {
    return [...this.#running.keys()];
  }

  async standing(name: string): Promise<Standing | undefined> {
    const asked = this.#running.get(name)?.handle.ask("standing").catch(() => undefined);
    // Who stands still does not answer.
    return await Promise.race([asked, this.sleep(500).then(() => undefined)]) as Standing | undefined;
  }

  async startAll(): Promise<void> {
    await Promise.all([...this.names].map((name) => this.start(name)));
  }

  async start(name: string): Promise<void> {
    const life = (this.#lives.get(name) ?? 0) + 1;
    this.#lives.set(name, life);
    const handle = new MemberHandle(await this.#config(name));
    await handle.opened.promise;
    const running = { handle, door: { member: name, life, access: handle.access } };
    this.#running.set(name, running);
    handle.ended.then(() => {
      if (this.#running.get(name) !== running) return;
      this.#running.delete(name);
      if (!this.#closing) this.history.note(`${name} has ended by itself`);
    });
  }

  async kill(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await running?.handle.kill();
  }

  pause(name: string): void {
    this.#running.get(name)?.handle.signal("SIGSTOP");
  }

  resume(name: string): void {
    this.#running.get(name)?.handle.signal("SIGCONT");
  }

  async troubleDisk(name: string, _: DiskTrouble): Promise<void> {
    await this.options.fill?.fill(await this.directory(name));
  }

  async mendDisk(name: string): Promise<void> {
    await this.options.fill?.empty(await this.directory(name));
  }

  async cutTail(name: string, bytes: number): Promise<void> {
    const directory = `${await this.directory(name)}/store`;
    const segments = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((each) => each.endsWith(".log"));
    const path = `${directory}/${segments.sort().at(-1)!}`;
    await Deno.truncate(path, Math.max(0, (await Deno.stat(path)).size - bytes));
  }

  membership(name: string): Membership {
    const ask = (what: string, ...args: readonly unknown[]) => {
      const { handle } = this.#running.get(name) ?? {};
      return handle?.ask(what, ...args) ?? Promise.reject(new Error(`Cannot ask ${name}: it does not run`));
    };
    return {
      records: () => ask("records") as never,
      addLearner: (member) => ask("addLearner", member) as never,
      promote: (id) => ask("promote", id) as never,
      remove: (id) => ask("remove", id) as never,
      moveLeader: () => ask("moveLeader") as never,
    };
  }

  // deno-lint-ignore require-await
  async peerAddress(name: string): Promise<string> {
    return `https://127.0.0.1:${this.#port(name)}`;
  }

  welcome(name: string, ticket: JoinTicket): void {
    this.names.add(name);
    this.#tickets.set(name, ticket);
  }

  async hashes(): Promise<readonly { readonly appliedIndex: number; readonly hash: string }[]> {
    return await Promise.all([...this.#running.values()].map(({ handle }) => handle.ask("hash"))) as never;
  }

  async directory(name: string): Promise<string> {
    if (this.options.directoryOf !== undefined) return await this.options.directoryOf(name);
    const directory = `${await this.#root}/${name}`;
    await Deno.mkdir(directory, { recursive: true });
    return directory;
  }

  /** Ends all processes, and removes what they have left. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const name of this.running()) {
      this.resume(name);
      await this.kill(name);
    }
    await Deno.remove(await this.#root, { recursive: true });
  }

  async #config(name: string): Promise<MemberConfig> {
    const authority = await this.#authority;
    const owner = { commonName: name, usages: ["client" as const, "server" as const] };
    const { certificate, key } = await issue(authority, owner, Date.now());
    const members = await Promise.all(
      founders.map(async (each) => ({ name: each, peerAddresses: [await this.peerAddress(each)] })),
    );
    const ticket = this.#tickets.get(name);
    return {
      name,
      directory: await this.directory(name),
      port: this.#port(name),
      certificate,
      key,
      authority: authority.certificate,
      faults: this.#faultsOf(name),
      store: {
        ...small,
        peerAddresses: [await this.peerAddress(name)],
        begin: ticket === undefined ? { found: { cluster, members } } : { join: ticket },
      },
    };
  }

  #port(name: string): number {
    let port = this.#ports.get(name);
    if (port === undefined) {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      ({ port } = listener.addr as Deno.NetAddr);
      this.#ports.set(name, port);
    }
    return port;
  }

  #faultsOf(name: string) {
    const deafTo = [...this.names].filter((from) => this.#deaf.has(`${from} ${name}`));
    return { ...noLinkFaults, ...this.#faults, deafTo };
  }

  #tellFaults(): void {
    for (const [name, { handle }] of this.#running) handle.ask("faults", this.#faultsOf(name)).catch(() => {});
  }
}
