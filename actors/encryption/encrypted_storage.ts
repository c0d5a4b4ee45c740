/**
 * A store whose values of some resources are encrypted, between the API server and the Storage port: above it lie
 * objects as they are, below it, in the log, in snapshots and in what etcd's clients read, what only the keys' owner can
 * read. Whoever uses it sees a store like any other.
 */
import {
  encryptedPrefix,
  type EncryptionKey,
  type EncryptionRule,
  prefixOf,
  ruleFor,
} from "../../machines/encryption/encryption_configuration.ts";
import {
  type KeyValue,
  type Operation,
  type RangeRequest,
  type RangeResult,
  type Storage,
  StorageError,
  type StorageEvent,
  type StorageWatch,
  type TxnRequest,
  type WatchRequest,
  type WatchSink,
} from "../../ports/storage.ts";
import { eventShown, rangeShown, StorageDecorator, txnShown } from "../store/storage_decorator.ts";
import { ciphers } from "./ciphers.ts";

const encoder = new TextEncoder();
const marker = encoder.encode(encryptedPrefix);

interface PreparedKey extends EncryptionKey {
  /** What values written with it begin with. */
  readonly head: Uint8Array;
}

interface Prepared {
  readonly writing: PreparedKey | undefined;
  readonly reading: readonly PreparedKey[];
  readonly readsPlain: boolean;
}

/** Group and resource of a key; undefined: it is no object's. */
export type ResourceOfKey = (key: string) => { readonly group: string; readonly resource: string } | undefined;

export class EncryptedStorage extends StorageDecorator {
  #rules: readonly EncryptionRule[];
  /** By `resource.group`. */
  readonly #prepared = new Map<string, Prepared | undefined>();

  constructor(
    inner: Storage,
    rules: readonly EncryptionRule[],
    readonly resourceOf: ResourceOfKey,
    /** Told of a value that no key fits: its readers wait until one does. */
    readonly unreadable: (problem: string) => void,
  ) {
    super(inner);
    this.#rules = rules;
  }

  /** From now on these keys are used. What is stored stays as it is until it is written again. */
  use(rules: readonly EncryptionRule[]): void {
    this.#rules = rules;
    this.#prepared.clear();
  }

  /** Whether the value of a key would be stored otherwise now. */
  async needsRewrite(key: string): Promise<boolean> {
    const prepared = this.#preparedFor(key);
    if (prepared === undefined) return false;
    const { kvs: [kv] } = await this.inner.range({ key });
    if (kv === undefined) return false;
    return prepared.writing === undefined ? beginsWith(kv.value, marker) : !beginsWith(kv.value, prepared.writing.head);
  }

  override async range(request: RangeRequest): Promise<RangeResult> {
    return rangeShown(await this.inner.range(request), this.#shown);
  }

  override async txn(request: TxnRequest): ReturnType<Storage["txn"]> {
    return txnShown(await this.inner.txn(this.#txn(request)), this.#shown);
  }

  override watch(request: WatchRequest, sink: WatchSink): StorageWatch {
    let isOver = false;
    let watch: StorageWatch | undefined = undefined;
    watch = this.inner.watch(request, {
      events: (batch, revision) => {
        if (isOver) return;
        let events: StorageEvent[];
        try {
          events = batch.map((event) => eventShown(event, this.#shown));
        } catch (error) {
          // Nothing of it may be left out: whoever watches comes back, and finds the key that was missing, or waits on.
          isOver = true;
          watch?.cancel();
          this.unreadable((error as Error).message);
          return sink.closed(error as StorageError);
        }
        sink.events(events, revision);
      },
      progress: (revision) => isOver || sink.progress(revision),
      closed: (error) => isOver || sink.closed(error),
    });
    return watch;
  }

  #preparedFor(key: string): Prepared | undefined {
    const found = this.resourceOf(key);
    if (found === undefined) return undefined;
    const name = `${found.resource}.${found.group}`;
    if (this.#prepared.has(name)) return this.#prepared.get(name);
    const rule = ruleFor(this.#rules, found.group, found.resource);
    const prepared = rule === undefined ? undefined : {
      writing: rule.writing === undefined ? undefined : preparedKey(rule.writing),
      reading: rule.reading.map(preparedKey),
      readsPlain: rule.readsPlain,
    };
    this.#prepared.set(name, prepared);
    return prepared;
  }

  #encrypted(key: string, value: Uint8Array): Uint8Array {
    const writing = this.#preparedFor(key)?.writing;
    if (writing === undefined) return value;
    const body = ciphers[writing.cipher].encrypt(writing.secret, value, encoder.encode(key));
    const whole = new Uint8Array(writing.head.length + body.length);
    whole.set(writing.head);
    whole.set(body, writing.head.length);
    return whole;
  }

  readonly #shown = (kv: KeyValue): KeyValue => this.#decrypted(kv);

  #decrypted(kv: KeyValue): KeyValue {
    const { key, value } = kv;
    if (value.length === 0) return kv;
    const prepared = this.#preparedFor(key);
    if (prepared === undefined) return kv;
    if (!beginsWith(value, marker)) {
      if (prepared.readsPlain) return kv;
      throw unreadable(key, "it is not encrypted, and there is no identity provider to read it");
    }
    const fitting = prepared.reading.find(({ head }) => beginsWith(value, head));
    if (fitting === undefined) throw unreadable(key, "no key of the encryption configuration is the one it names");
    try {
      const body = value.subarray(fitting.head.length);
      return { ...kv, value: ciphers[fitting.cipher].decrypt(fitting.secret, body, encoder.encode(key)) };
    } catch {
      throw unreadable(key, `key "${fitting.name}" is not the one it was encrypted with, or it is damaged`);
    }
  }

  #txn({ compare, success, failure }: TxnRequest): TxnRequest {
    const compared = compare.find(({ key, target }) => target === "value" && this.#preparedFor(key) !== undefined);
    if (compared !== undefined) {
      throw new StorageError("invalid", `Cannot compare the value of ${compared.key}: it is encrypted in the store`);
    }
    const written = (operation: Operation): Operation => {
      if (operation.type === "txn") return { type: "txn", ...this.#txn(operation) };
      if (operation.type !== "put" || operation.keepValue === true) return operation;
      return { ...operation, value: this.#encrypted(operation.key, operation.value) };
    };
    return { compare, success: success.map(written), failure: failure.map(written) };
  }
}

function preparedKey(key: EncryptionKey): PreparedKey {
  return { ...key, head: encoder.encode(prefixOf(key)) };
}

function beginsWith(value: Uint8Array, head: Uint8Array): boolean {
  if (value.length < head.length) return false;
  for (let index = 0; index < head.length; index++) if (value[index] !== head[index]) return false;
  return true;
}

function unreadable(key: string, why: string): StorageError {
  return new StorageError("invalid", `Cannot decrypt ${key}: ${why}`);
}
