/** Opens the etcd of somebody else's that a cluster keeps its objects in, and sees to it that nobody else does there. */
import { openEtcdStorage } from "../actors/etcd/open_etcd_storage.ts";
import { PrefixedStorage } from "../actors/etcd/prefixed_storage.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { Clock } from "../ports/clock.ts";
import { type KeyValue, prefixEnd, type Storage, StorageError } from "../ports/storage.ts";
import type { ExternalStore } from "./external_store_note.ts";

export interface ExternalStoreOptions {
  readonly cluster: string;
  readonly clock: Clock;
}

/** @throws Error saying why it cannot be used, and what to do. */
export async function openExternalStore(
  store: ExternalStore,
  { cluster, clock }: ExternalStoreOptions,
): Promise<Storage> {
  const { id, endpoints, prefix, tls, user } = store;
  const where = `etcd://${endpoints.join(",")}`;
  const owner = ownerKey(prefix);
  let storage: Storage;
  try {
    storage = await openEtcdStorage({
      endpoints,
      ...(tls === undefined ? {} : { tls }),
      ...(user === undefined ? {} : { user }),
      probe: owner,
      clock,
      random: realRandom,
    });
  } catch (error) {
    throw explained(where, error, store);
  }
  try {
    await claim(storage, { prefix, owner, cluster, id });
  } catch (error) {
    await storage.close();
    throw explained(where, error, store);
  }
  return new PrefixedStorage(storage, prefix);
}

/** Says whose the keys below the prefix are. */
function ownerKey(prefix: string): string {
  return `${prefix}/owner`;
}

interface Claim {
  readonly prefix: string;
  readonly owner: string;
  readonly cluster: string;
  readonly id: string;
}

/** Everything below the prefix is this cluster's, from its first start on. */
async function claim(storage: Storage, { prefix, owner, cluster, id }: Claim): Promise<void> {
  const below = { key: `${prefix}/`, end: prefixEnd(`${prefix}/`) };
  const value = new TextEncoder().encode(JSON.stringify({ cluster, id }));
  const { succeeded, results } = await storage.txn({
    compare: [{ ...below, target: "version", op: "=", value: 0 }],
    success: [{ type: "put", key: owner, value }],
    failure: [{ type: "range", key: owner }, { type: "range", ...below, limit: 20 }],
  });
  if (succeeded) return;
  const [owned, all] = results.map((result) => result.type === "range" ? result.kvs : []);
  const [record] = owned ?? [];
  if (record === undefined) throw new Occupied(prefix, all ?? []);
  const holder = JSON.parse(new TextDecoder().decode(record.value)) as { cluster: string; id: string };
  if (holder.id === id) return;
  throw new Error(
    `Cannot keep cluster "${cluster}" below "${prefix}" in etcd: cluster "${holder.cluster}" of another state ` +
      `directory does; name another prefix (--store etcd://host:port/prefix), or, if that cluster is gone, delete ` +
      `the keys below "${prefix}/" first`,
  );
}

class Occupied extends Error {
  constructor(prefix: string, kvs: readonly KeyValue[]) {
    const whose = kvs.some(isKubeObject) ? "a kube-apiserver keeps its objects there" : "other keys are there";
    super(
      `Cannot keep a cluster below "${prefix}" in etcd: ${whose} ("${kvs[0]?.key}"); ` +
        "name another prefix: --store etcd://host:port/prefix",
    );
  }
}

/** As a kube-apiserver writes them: behind "k8s" and a zero byte, or as JSON with a version. */
function isKubeObject({ value }: KeyValue): boolean {
  const start = new TextDecoder().decode(value.subarray(0, 200));
  return start.startsWith("k8s\0") || /^\{.*"apiVersion"/s.test(start);
}

type Given = Pick<ExternalStore, "tls" | "user">;

/** What etcd or the connection says, and what that means for who has called `up`. */
const hints: readonly (readonly [RegExp, string | ((given: Given) => string)])[] = [
  [/authentication failed/, "it does not know the user, or the password is another one (--store-user)"],
  [/authentication is not enabled/, "it knows no users: leave --store-user out"],
  [
    /user name is empty|permission denied/,
    ({ user }) =>
      user === undefined
        ? "it asks who it is: give --store-user and --store-password-file"
        : "the user has no rights on the keys below the prefix: it must read and write all of them",
  ],
  [
    /self.signed|unable to (verify|get)|UNABLE_TO|UnknownIssuer/i,
    "its certificate is not of the authority in --store-ca",
  ],
  [/wrong version number|packet length too long/i, "it does not speak TLS: leave --store-ca and --store-cert out"],
  [
    /ECONNREFUSED|EHOSTUNREACH|ENOTFOUND|ETIMEDOUT/,
    "nothing answers there: is etcd running, and is that its client port?",
  ],
  [
    /certificate|handshake|EPIPE|ECONNRESET|hang up|closed|dropped|failed to connect/i,
    ({ tls }) =>
      tls === undefined
        ? "it hangs up: does it speak TLS? Then give --store-ca"
        : tls.cert === undefined
        ? "it hangs up: it may want a certificate of its authority (--store-cert, --store-key)"
        : "it hangs up: it may not know the authority of the certificate in --store-cert",
  ],
  [/deadline|timed? ?out|no leader/i, "it does not answer in time: has it a leader (etcdctl endpoint status)?"],
];

function explained(where: string, error: unknown, given: Given): Error {
  if (!(error instanceof StorageError)) return error as Error;
  const said = error.message.replace(/^Cannot do it in etcd: /, "");
  const hint = hints.find(([pattern]) => pattern.test(said))?.[1];
  const meaning = typeof hint === "function" ? hint(given) : hint;
  return new Error(`Cannot use the store ${where}: ${meaning === undefined ? said : `${meaning} (${said})`}`);
}
