/** Three members in this process on real disks, over TLS, in time that runs by itself and can be pushed on. */
import { realDisk } from "../../../../actors/disk/real_disk.ts";
import { realClock } from "../../../../actors/real/real_clock.ts";
import {
  openReplicatedStorage,
  type ReplicatedStorage,
} from "../../../../actors/store/replica/open_replicated_storage.ts";
import { openTlsTransport } from "../../../../actors/transport/tls_transport.ts";
import { issue, makeAuthority } from "../../../../http/auth/certificates/issue.ts";
import type { Clock, Wake } from "../../../../ports/clock.ts";
import { seededRandom } from "../../../contracts/test_world.ts";

const authority = await makeAuthority("members", Date.now());
const names = ["a", "b", "c"];

/** Real time and what was added to it. */
export class PushedClock implements Clock {
  #added = 0;
  #sleepers = new Map<symbol, { readonly at: number; readonly callback: () => void; wake: Wake }>();

  now(): number {
    return realClock.now() + this.#added;
  }

  wallTime(): number {
    return realClock.wallTime() + this.#added;
  }

  soon(callback: () => void): void {
    realClock.soon(callback);
  }

  wakeAt(at: number, callback: () => void): Wake {
    const key = Symbol();
    const sleeper = {
      at,
      callback: () => {
        this.#sleepers.delete(key);
        callback();
      },
    };
    this.#sleepers.set(key, { ...sleeper, wake: realClock.wakeAt(at - this.#added, sleeper.callback) });
    return {
      cancel: () => {
        this.#sleepers.get(key)?.wake.cancel();
        this.#sleepers.delete(key);
      },
    };
  }

  /** In steps that are small beside a heartbeat, with time for the wire in between. */
  async advance(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 50) {
      this.#added += Math.min(50, left);
      for (const sleeper of this.#sleepers.values()) {
        sleeper.wake.cancel();
        sleeper.wake = realClock.wakeAt(sleeper.at - this.#added, sleeper.callback);
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  }
}

export interface RealTrio {
  readonly clock: PushedClock;
  readonly storages: readonly ReplicatedStorage[];
  leader(): Promise<ReplicatedStorage>;
  close(): Promise<void>;
}

export async function realTrio(): Promise<RealTrio> {
  const clock = new PushedClock();
  const directory = await Deno.makeTempDir({ prefix: "chartroom-trio-" });
  const transports = await Promise.all(names.map(async (name) => {
    const { certificate, key } = await issue(
      authority,
      { commonName: name, usages: ["client", "server"] },
      Date.now(),
    );
    return await openTlsTransport({
      self: name,
      listen: [{ host: "127.0.0.1", port: 0 }],
      certificate,
      key,
      authority: authority.certificate,
      clock,
    });
  }));
  const members = transports.map(({ self, endpoint: { host, port } }) => ({
    name: self,
    peerAddresses: [`https://${host}:${port}`],
  }));
  const storages = await Promise.all(transports.map(async (transport, at) => {
    const { name, peerAddresses } = members[at]!;
    await Deno.mkdir(`${directory}/${name}`);
    return await openReplicatedStorage({
      disk: realDisk(`${directory}/${name}`),
      clock,
      random: seededRandom(at + 1),
      transport,
      name,
      peerAddresses,
      begin: { found: { cluster: "00000000000000c1", members } },
      compareHashesEveryMs: 0,
    });
  }));
  const find = () =>
    storages.find(({ log }) => {
      const { leader, id, commit, log: { last } } = log.getSnapshot().context;
      return leader === id && commit === last.index;
    });
  return {
    clock,
    storages,
    leader: async () => {
      while (find() === undefined) await clock.advance(50);
      return find()!;
    },
    close: async () => {
      for (const storage of storages) await storage.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
