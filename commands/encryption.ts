/** Encryption at rest of a master's store, as its options or its state say, and with the keys of the moment. */
import type { EncryptedStorage } from "../actors/encryption/encrypted_storage.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { keyPrefix, type ResourceRegistry } from "../http/machinery/resource_registry.ts";
import {
  encryptedPrefix,
  type EncryptionRule,
  parseEncryption,
} from "../machines/encryption/encryption_configuration.ts";
import type { Clock, Wake } from "../ports/clock.ts";
import { prefixEnd, type Storage } from "../ports/storage.ts";
import { type ApiServerFlags, ownEncryption, textOf } from "./api_server_flags.ts";
import type { ClusterState } from "./cluster_state.ts";

/** How soon a change of the file is seen. */
const lookEveryMs = 2_000;
const secrets = "/registry/secrets/";

/** Makes what is to be there, and says what is wrong with what is. @throws Error */
export async function checkEncryption(state: ClusterState, flags: ApiServerFlags): Promise<void> {
  const isGiven = textOf(flags, "encryption-provider-config") !== undefined;
  if (flags["secrets-encryption"] === true) {
    if (isGiven) {
      throw new Error("Cannot use --secrets-encryption with --encryption-provider-config, which says it all");
    }
    const files = keyFiles(state.directory);
    if (await files.read(ownEncryption) === undefined) await files.write(ownEncryption, await firstConfiguration());
  }
  const text = await encryptionText(state, flags);
  if (text !== undefined) await rulesOf(text, pathOf(state, flags));
}

/** Secrets with a key of our own; what is there already is read as it is. */
async function firstConfiguration(): Promise<string> {
  const { stringify } = await import("yaml");
  const secret = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [{
      resources: ["secrets"],
      providers: [{ secretbox: { keys: [{ name: "key1", secret }] } }, { identity: {} }],
    }],
  });
}

function pathOf(state: ClusterState, flags: ApiServerFlags): string {
  return textOf(flags, "encryption-provider-config") ?? state.path(ownEncryption);
}

/** The configuration; undefined: nothing is encrypted. */
export async function encryptionText(state: ClusterState, flags: ApiServerFlags): Promise<string | undefined> {
  const path = pathOf(state, flags);
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const isGiven = textOf(flags, "encryption-provider-config") !== undefined;
    if (!isGiven && error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot read the encryption configuration ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** What YAML's parser says may quote the keys. */
async function rulesOf(text: string, path: string): Promise<readonly EncryptionRule[]> {
  const { parse } = await import("yaml");
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw new Error(`Cannot use the encryption configuration: it is no YAML (${path})`);
  }
  try {
    return parseEncryption(document);
  } catch (error) {
    throw new Error(`${(error as Error).message} (${path})`);
  }
}

export interface EncryptionWorld {
  readonly state: ClusterState;
  readonly flags: ApiServerFlags;
  readonly clock: Clock;
  /** Asked when the first object is read. */
  registry(): ResourceRegistry;
  report(problem: string): void;
}

export interface RunningEncryption {
  /** What the API server uses. */
  readonly storage: EncryptedStorage;
  stop(): void;
}

/** Undefined: nothing is encrypted. @throws Error when the store has what cannot be read then. */
export async function startEncryption(inner: Storage, world: EncryptionWorld): Promise<RunningEncryption | undefined> {
  const { state, flags, clock, report } = world;
  let text = await encryptionText(state, flags);
  if (text === undefined) return await refuseEncrypted(inner, state);
  const { EncryptedStorage } = await import("../actors/encryption/encrypted_storage.ts");
  let last = "";
  const unreadable = (problem: string) => {
    if (problem !== last) report(problem);
    last = problem;
  };
  const path = pathOf(state, flags);
  const storage = new EncryptedStorage(inner, await rulesOf(text, path), resourceOfKey(world.registry), unreadable);
  let isStopped = false;
  let wake: Wake | undefined;
  const look = async () => {
    const now = await encryptionText(state, flags).catch((error: Error) => (unreadable(error.message), text));
    if (now !== undefined && now !== text) {
      text = now;
      try {
        storage.use(await rulesOf(now, path));
        report(`Encryption at rest: ${path} has changed, and its keys are used from now on`);
      } catch (error) {
        report(`${(error as Error).message}; the keys from before are used on`);
      }
    }
    if (!isStopped) lookLater();
  };
  const lookLater = () => void (wake = clock.wakeAt(clock.now() + lookEveryMs, () => void look()));
  lookLater();
  return {
    storage,
    stop() {
      isStopped = true;
      wake?.cancel();
    },
  };
}

async function refuseEncrypted(storage: Storage, state: ClusterState): Promise<undefined> {
  const { kvs: [kv] } = await storage.range({ key: secrets, end: prefixEnd(secrets), limit: 1, serializable: true });
  if (kv === undefined || !new TextDecoder().decode(kv.value.subarray(0, 16)).startsWith(encryptedPrefix)) return;
  throw new Error(
    `Cannot read the secrets of cluster "${state.name}": they are encrypted; bring it up with the ` +
      `--encryption-provider-config that has their keys, or put that file to ${state.path(ownEncryption)}`,
  );
}

/** Goes by where the resources that are served lie, those of others that came later too. */
function resourceOfKey(registry: () => ResourceRegistry) {
  const places = new Map<string, { group: string; resource: string }>();
  return (key: string) => {
    // /registry/RESOURCE/... or /registry/GROUP/RESOURCE/...
    const [, root, first = "", second = ""] = key.split("/", 4);
    if (root !== "registry" || first === "") return undefined;
    const found = places.get(`/registry/${first}/`) ?? places.get(`/registry/${first}/${second}/`);
    if (found !== undefined) return found;
    for (const resource of registry().all()) {
      const stored = registry().storageOf(resource);
      places.set(keyPrefix(stored), { group: stored.group, resource: stored.resource });
    }
    return places.get(`/registry/${first}/`) ?? places.get(`/registry/${first}/${second}/`) ??
      (first.includes(".") ? { group: first, resource: second } : undefined);
  };
}
