/** The store as slowly and obviously as possible: every revision is a whole copy of the map. For properties. */
import type { Command } from "../../../machines/store/command.ts";
import type { Compare, KeyValue, Operation, TxnRequest } from "../../../machines/store/requests.ts";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const utf8 = (key: string) => Array.from(encode(key));

/** Order of two keys by their bytes. */
export function byBytes(a: string, b: string): number {
  const [x, y] = [utf8(a), utf8(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}

export function within(key: string, from: string, end: string | undefined): boolean {
  if (end === undefined) return key === from;
  return byBytes(key, from) >= 0 && (end === "\0" || byBytes(key, end) < 0);
}

type Flat = Exclude<Operation, { type: "txn" }>;
type Content = ReadonlyMap<string, KeyValue>;

export class StoreModel {
  /** `history[r]` is what stood at revision r. */
  history: Content[] = [new Map(), new Map()];
  events: { revision: number; type: "put" | "delete"; key: string }[] = [];
  compacted = 0;
  leases = new Map<number, number>();

  get revision(): number {
    return this.history.length - 1;
  }

  get now(): Content {
    return this.history.at(-1)!;
  }

  range(key: string, end: string | undefined, revision: number): KeyValue[] {
    return [...this.history[revision]!.values()]
      .filter((kv) => within(kv.key, key, end))
      .sort((a, b) => byBytes(a.key, b.key));
  }

  /** Answers what the store's outcome is, as far as it is compared: a refusal's code, or undefined. */
  apply(command: Command): string | undefined {
    switch (command.type) {
      case "grantLease":
        if (this.leases.has(command.id)) return "leaseExists";
        this.leases.set(command.id, command.ttlSeconds);
        return undefined;
      case "revokeLease":
        if (!this.leases.has(command.id)) return "leaseNotFound";
        this.#expire(command.id);
        return undefined;
      case "expireLeases":
        for (const id of command.ids) if (this.leases.has(id)) this.#expire(id);
        return undefined;
      case "compact":
        if (command.revision > this.revision) return "futureRevision";
        if (command.revision <= this.compacted) return "compacted";
        this.compacted = command.revision;
        return undefined;
      case "txn":
        return this.#txn(this.#flatten(command));
    }
  }

  /** The operations of the branches that are taken, in order. */
  #flatten({ compare, success, failure }: TxnRequest): Flat[] {
    const taken = compare.every((compare) => this.#holds(compare)) ? success : failure;
    return taken.flatMap((operation) => operation.type === "txn" ? this.#flatten(operation) : [operation]);
  }

  #txn(operations: readonly Flat[]): string | undefined {
    for (const operation of operations) {
      if (operation.type === "put" && operation.lease && !this.leases.has(operation.lease)) return "leaseNotFound";
      if (operation.type === "put" && (operation.keepValue || operation.keepLease) && !this.now.has(operation.key)) {
        return "keyNotFound";
      }
      if (operation.type === "range" && operation.revision) {
        if (operation.revision > this.revision) return "futureRevision";
        if (operation.revision < this.compacted) return "compacted";
      }
    }
    this.#write(operations);
    return undefined;
  }

  #write(operations: readonly Flat[]): void {
    const next = new Map(this.now);
    const revision = this.revision + 1;
    const count = this.events.length;
    for (const operation of operations) {
      if (operation.type === "put") {
        const { key } = operation;
        const old = next.get(key);
        const value = operation.keepValue ? old!.value : operation.value;
        const lease = operation.keepLease ? old!.lease : operation.lease ?? 0;
        const createRevision = old?.createRevision ?? revision;
        next.set(key, { key, value, createRevision, modRevision: revision, version: (old?.version ?? 0) + 1, lease });
        this.events.push({ revision, type: "put", key });
      } else if (operation.type === "delete") {
        for (const key of [...next.keys()].filter((key) => within(key, operation.key, operation.end)).sort(byBytes)) {
          next.delete(key);
          this.events.push({ revision, type: "delete", key });
        }
      }
    }
    if (this.events.length > count) this.history.push(next);
  }

  #expire(id: number): void {
    const keys = [...this.now.values()].filter((kv) => kv.lease === id).map(({ key }) => key).sort();
    this.#write(keys.map((key) => ({ type: "delete", key })));
    this.leases.delete(id);
  }

  #holds(compare: Compare): boolean {
    const found = this.range(compare.key, compare.end, this.revision);
    return found.length === 0 ? this.#holdsFor(compare, undefined) : found.every((kv) => this.#holdsFor(compare, kv));
  }

  #holdsFor({ target, op, value }: Compare, kv: KeyValue | undefined): boolean {
    if (target === "value") {
      if (kv === undefined) return false;
      const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return compare(hex(kv.value), hex(value as Uint8Array), op);
    }
    return compare(kv?.[target] ?? 0, Number(value), op);
  }
}

function compare<T>(a: T, b: T, op: Compare["op"]): boolean {
  return op === "=" ? a === b : op === "!=" ? a !== b : op === "<" ? a < b : a > b;
}
