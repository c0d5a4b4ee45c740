/** Carries out `machines/store/compaction_machine.ts` on a store. */
import {
  compactedAt,
  compactionMachine,
  type CompactionRounds,
  roundKey,
} from "../../machines/store/compaction_machine.ts";
import { type Storage, StorageError } from "../../ports/storage.ts";
import { actorKind, type ActorSystem, type Address, address } from "../system.ts";

export interface CompactorOptions {
  readonly system: ActorSystem;
  readonly node: string;
  readonly storage: Storage;
}

/** Stopped by stopping its actor. */
export function startCompactor({ system, node, storage }: CompactorOptions): Address {
  const at = address({ node, kind: "compaction", name: node });
  let rounds: CompactionRounds = { count: 0, revision: 0 };
  const kind = actorKind("compaction", compactionMachine, {
    compactHistory: async () => {
      const before = rounds;
      const { won, ...now } = await takeRound(storage, before);
      rounds = now;
      const revision = won ? compactedAt(before) : undefined;
      if (revision === undefined) return { type: "history.noted" } as const;
      await storage.compact(revision).catch((error) => {
        // Somebody with etcdctl has dropped more than that.
        if (!(error instanceof StorageError && error.code === "compacted")) throw error;
      });
      return { type: "history.compacted" } as const;
    },
  });
  system.spawn(kind, { address: at, input: undefined });
  return at;
}

/** Of all that know of the same rounds the first one to ask has the next. */
async function takeRound(storage: Storage, { count, revision }: CompactionRounds) {
  const value = new TextEncoder().encode(String(revision));
  const result = await storage.txn({
    compare: [{ key: roundKey, target: "version", op: "=", value: count }],
    success: [{ type: "put", key: roundKey, value }],
    failure: [{ type: "range", key: roundKey }],
  });
  const [found] = result.results;
  const others = found?.type === "range" ? found.kvs[0]?.version ?? 0 : 0;
  return { won: result.succeeded, count: result.succeeded ? count + 1 : others, revision: result.revision };
}
