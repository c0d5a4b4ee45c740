/** A store that encrypts is a store like any other from above; from below nobody reads what it holds. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ciphers } from "../../../actors/encryption/ciphers.ts";
import { EncryptedStorage } from "../../../actors/encryption/encrypted_storage.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import { type CipherName, type EncryptionRule } from "../../../machines/encryption/encryption_configuration.ts";
import { StorageError } from "../../../ports/storage.ts";
import { bytes, put, storageContract, text, write } from "../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";

const secret = (fill: number) => new Uint8Array(32).fill(fill);
const key = (name: string, cipher: CipherName = "secretbox", fill = 1) => ({ cipher, name, secret: secret(fill) });
const rule = (writing: ReturnType<typeof key> | undefined, ...older: ReturnType<typeof key>[]): EncryptionRule => ({
  resources: ["secrets"],
  writing,
  reading: [...writing === undefined ? [] : [writing], ...older],
  readsPlain: true,
});

async function open(
  rules: readonly EncryptionRule[],
  isSecret = (key: string) => key.startsWith("/registry/secrets/"),
) {
  const clock = new HandClock();
  const inner = await openStorage({
    disk: new SimulatedDisk({ random: seededRandom(2) }),
    clock,
    random: seededRandom(1),
  });
  const problems: string[] = [];
  const resourceOf = (key: string) => isSecret(key) ? { group: "", resource: "secrets" } : undefined;
  const storage = new EncryptedStorage(inner, rules, resourceOf, (problem) => problems.push(problem));
  const advance = (milliseconds: number) => clock.advance(milliseconds);
  return { inner, storage, problems, advance, close: () => storage.close() };
}

// Values that the store itself compares have to be as they are, which those of the contract are below some keys.
const isCompared = (name: string) => /^(k|none|\/(none\/|p\/[ab]?|q)?)$/.test(name);
storageContract("EncryptedStorage", () => open([rule(key("key1"))], (name) => !isCompared(name)));

Deno.test("EncryptedStorage refuses to compare what it encrypts by value", async () => {
  const { storage, close } = await open([rule(key("key1"))]);
  const compare = [{ key: at, target: "value" as const, op: "=" as const, value: bytes("v") }];
  await assertRejects(() => storage.txn({ compare, success: [], failure: [] }), StorageError, "Cannot compare");
  await close();
});

const at = "/registry/secrets/ns/s";
const raw = async ({ inner }: Awaited<ReturnType<typeof open>>) =>
  new TextDecoder("latin1").decode((await inner.range({ key: at })).kvs[0]!.value);

for (const cipher of ["aescbc", "aesgcm", "secretbox"] as const) {
  Deno.test(`EncryptedStorage keeps ${cipher} as kube-apiserver does, and reads it back`, async () => {
    const world = await open([rule(key("key1", cipher))]);
    await write(world.storage, put(at, "hunter2"), put("/registry/configmaps/ns/c", "hunter2"));
    const first = await raw(world);
    assert(first.startsWith(`k8s:enc:${cipher}:v1:key1:`));
    assertEquals(first.includes("hunter2"), false);
    assertEquals(text((await world.storage.range({ key: at })).kvs[0]!.value), "hunter2");
    assertEquals(text((await world.inner.range({ key: "/registry/configmaps/ns/c" })).kvs[0]!.value), "hunter2");
    // The same value twice is not the same bytes.
    await write(world.storage, put(at, "hunter2"));
    assert(await raw(world) !== first);
    await world.close();
  });

  Deno.test(`ciphers.${cipher} refuses another key and, where it can, another place or a changed byte`, () => {
    const { encrypt, decrypt } = ciphers[cipher];
    const sealed = encrypt(secret(1), bytes("a value of some length"), bytes("/a"));
    assertEquals(text(decrypt(secret(1), sealed, bytes("/a"))), "a value of some length");
    assertThrows(() => decrypt(secret(1), sealed.subarray(0, 4), bytes("/a")));
    if (cipher === "aescbc") return;
    assertThrows(() => decrypt(secret(2), sealed, bytes("/a")));
    const changed = sealed.slice();
    changed[30]! ^= 1;
    assertThrows(() => decrypt(secret(1), changed, bytes("/a")));
    if (cipher === "aesgcm") assertThrows(() => decrypt(secret(1), sealed, bytes("/b")));
  });
}

Deno.test("EncryptedStorage reads what older keys wrote, and knows what is to be written again", async () => {
  const world = await open([rule(undefined)]);
  await write(world.storage, put(at, "v"));
  assertEquals([await raw(world), await world.storage.needsRewrite(at)], ["v", false]);
  const old = key("key1", "aescbc"), next = key("key2", "secretbox", 2);
  for (
    const [rules, kept] of [[rule(old), old], [rule(next, old), next], [rule(undefined, next), undefined]] as const
  ) {
    world.storage.use([rules]);
    assertEquals(await world.storage.needsRewrite(at), true);
    assertEquals(text((await world.storage.range({ key: at })).kvs[0]!.value), "v");
    await write(world.storage, put(at, "v"));
    assertEquals(await world.storage.needsRewrite(at), false);
    assertEquals(await raw(world) === "v", kept === undefined);
  }
  assertEquals(await world.storage.needsRewrite("/registry/secrets/ns/none"), false);
  assertEquals(await world.storage.needsRewrite("/registry/configmaps/ns/c"), false);
  await world.close();
});

Deno.test("EncryptedStorage says which key is missing, and a watch ends instead of leaving anything out", async () => {
  const world = await open([rule(key("key1"))]);
  await write(world.storage, put(at, "v"));
  world.storage.use([rule(key("key2", "secretbox", 2))]);
  await assertRejects(() => world.storage.range({ key: at }), StorageError, `Cannot decrypt ${at}: no key`);
  const ended = Promise.withResolvers<StorageError>();
  const seen: number[] = [];
  world.storage.watch({ key: at, startRevision: 1 }, {
    events: (batch) => void seen.push(batch.length),
    progress: () => {},
    closed: ended.resolve,
  });
  assertEquals([(await ended.promise).code, seen], ["invalid", []]);
  assertEquals(world.problems.length, 1);
  // The same name with another key's bytes.
  world.storage.use([rule(key("key1", "secretbox", 9))]);
  await assertRejects(() => world.storage.range({ key: at }), StorageError, 'key "key1" is not the one');
  world.storage.use([{ ...rule(key("key1")), readsPlain: false }]);
  await write(world.inner, put(at, "plain"));
  await assertRejects(() => world.storage.range({ key: at }), StorageError, "it is not encrypted");
  await world.close();
});
