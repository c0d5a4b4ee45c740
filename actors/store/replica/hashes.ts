/**
 * Whether all members hold the same. An entry of the log says when: every member hashes what it holds as it applies it,
 * so all speak of the same moment; the leader compares.
 */
import { SnapshotWriter } from "../../../machines/store/snapshot_format.ts";
import type { Wake } from "../../../ports/clock.ts";
import type { MemberHash } from "../../../ports/store_membership.ts";
import { turn } from "../turn.ts";
import type { Replica } from "./replica.ts";

/** A member that has not answered by then is not compared. */
const answerTimeoutMs = 30_000;

interface Check {
  readonly hashes: Map<string, string>;
  readonly heard: () => void;
}

export class Hashes {
  #checks = new Map<number, Check>();
  #next: Wake | undefined;

  constructor(readonly replica: Replica) {
    replica.endings.add(() => this.stop());
    replica.link.handlers.set("hash", (from, head) => {
      const { check, hash } = head as { check: number; hash: string };
      this.#note(check, from, hash);
    });
  }

  /** This member leads: it compares the members every now and then. */
  start(): void {
    const { clock, compareHashesEveryMs: every } = this.replica.options;
    this.stop();
    if (every <= 0) return;
    this.#next = clock.wakeAt(clock.now() + every, () => {
      this.start();
      if (this.replica.roster.current.length > 1) void this.compare();
    });
  }

  stop(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }

  /** Of everything that can be read now. */
  async current(): Promise<{ appliedIndex: number; revision: number; hash: string }> {
    const appliedIndex = this.replica.applied.index;
    const { state } = this.replica.loaded;
    const writer = new SnapshotWriter(state);
    const { revision } = writer;
    try {
      while (writer.next() !== undefined) await turn(this.replica.options.clock);
      return { appliedIndex, revision, hash: writer.hash };
    } finally {
      writer.release();
    }
  }

  /** The entry of a check is applied at this very moment. */
  take(check: number): void {
    const { replica } = this;
    const { member } = replica.loaded.identity;
    this.current().then(({ hash }) => {
      const { leader = "" } = replica.context ?? {};
      if (leader === member) this.#note(check, member, hash);
      else if (leader !== "") void replica.link.call(leader, "hash", { check, hash }, [], 1);
    });
  }

  /** On the leader. @returns undefined: the check was not written. */
  async compare(): Promise<readonly MemberHash[] | undefined> {
    const { replica } = this;
    const { clock, random } = replica.options;
    const check = random.bytes(6).reduce((sum, byte) => sum * 256 + byte, 0);
    const members = replica.roster.current.map(({ id }) => id);
    const known = members.length > 0 ? members : [replica.loaded.identity.member];
    const hashes = new Map<string, string>();
    const complete = Promise.withResolvers<void>();
    this.#checks.set(check, { hashes, heard: () => void (hashes.size === known.length && complete.resolve()) });
    const wake = clock.wakeAt(clock.now() + answerTimeoutMs, () => complete.resolve());
    try {
      const isWritten = await new Promise<boolean>((resolve) =>
        replica.writes.submit({ type: "compareHashes", check }, ({ type }) => resolve(type === "done"))
      );
      if (!isWritten) return undefined;
      await complete.promise;
    } finally {
      wake.cancel();
      this.#checks.delete(check);
    }
    const result = judge(known, hashes);
    for (const { member, isCorrupt } of result) {
      if (isCorrupt) replica.writes.submit({ type: "raiseAlarm", alarm: { type: "corrupt", member } }, () => {});
    }
    return result;
  }

  #note(check: number, member: string, hash: string): void {
    const open = this.#checks.get(check);
    open?.hashes.set(member, hash);
    open?.heard();
  }
}

/** Who differs from a majority of all members. Without a majority nobody can be told to be the one that is wrong. */
function judge(members: readonly string[], hashes: ReadonlyMap<string, string>): MemberHash[] {
  const counts = new Map<string, number>();
  for (const hash of hashes.values()) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  const right = [...counts].find(([, count]) => count * 2 > members.length)?.[0];
  return members.map((member) => {
    const hash = hashes.get(member);
    return { member, hash, isCorrupt: right !== undefined && hash !== undefined && hash !== right };
  });
}
