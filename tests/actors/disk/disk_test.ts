import { assert, assertEquals, assertRejects } from "@std/assert";
import { realDisk } from "../../../actors/disk/real_disk.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { DiskError } from "../../../ports/disk.ts";
import { diskContract } from "../../contracts/disk_contract.ts";
import { seededRandom } from "../../contracts/test_world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

diskContract("realDisk", async () => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-disk-" });
  return { disk: realDisk(directory), cleanUp: () => Deno.remove(directory, { recursive: true }) };
});

diskContract("SimulatedDisk", () =>
  Promise.resolve({
    disk: new SimulatedDisk({ random: seededRandom(1) }),
    cleanUp: () => Promise.resolve(),
  }));

Deno.test("realDisk tells a full disk from a broken one", async () => {
  const file = await realDisk("/dev").open("full");
  const error = await assertRejects(() => file.append(bytes("x")), DiskError, 'Cannot append to "full"');
  assertEquals(error.code, "noSpace");
  await file.close();
});

async function crashed(seed: number) {
  const disk = new SimulatedDisk({ random: seededRandom(seed) });
  await disk.makeDirectory("d");
  await disk.syncDirectory("");
  const file = await disk.open("d/named", { create: true });
  await file.append(bytes("synced"));
  await file.sync();
  await disk.syncDirectory("d");
  await file.append(bytes("-loose"));
  const unnamed = await disk.open("d/unnamed", { create: true });
  await unnamed.append(bytes("x"));
  await unnamed.sync();
  await disk.makeDirectory("loose");
  disk.crash();
  await assertRejects(() => disk.list("d"), DiskError, "power was lost");
  disk.restart();
  await assertRejects(() => file.append(bytes("y")), DiskError, "power was lost");
  return { names: await disk.list("d"), named: new TextDecoder().decode(await disk.read("d/named")), disk };
}

Deno.test("SimulatedDisk keeps what was synced through a crash, and by chance more", async () => {
  const lengths = new Set<number>();
  const names = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const found = await crashed(seed);
    assert(found.named.startsWith("synced"), found.named);
    lengths.add(found.named.length);
    names.add(found.names.join());
    await assertRejects(() => found.disk.open("loose/f", { create: true }), DiskError);
  }
  assertEquals([...lengths].sort((a, b) => a - b), [6, 7, 8, 9, 10, 11, 12]);
  assertEquals([...names].sort(), ["named", "named,unnamed"]);
});

Deno.test("SimulatedDisk does the same for the same seed", async () => {
  for (const seed of [3, 4]) assertEquals((await crashed(seed)).named, (await crashed(seed)).named);
});

Deno.test("SimulatedDisk fails the operation that it was told to", async () => {
  for (const fault of ["noSpace", "io"] as const) {
    const disk = new SimulatedDisk({ random: seededRandom(5) });
    const file = await disk.open("f", { create: true });
    await file.append(bytes("abc"));
    disk.failAt(disk.operations + 1, fault);
    const error = await assertRejects(() => file.append(bytes("def")), DiskError);
    assertEquals(error.code, fault);
    await file.append(bytes("!"));
    assert((await file.size()) >= 4);
  }
});

Deno.test("SimulatedDisk forgets a rename that was not synced, as a whole", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) });
    for (const name of ["a", "b"]) {
      const file = await disk.open(name, { create: true });
      await file.append(bytes(name));
      await file.sync();
    }
    await disk.syncDirectory("");
    await disk.rename("a", "b");
    disk.crash();
    disk.restart();
    const names = await disk.list("");
    const b = new TextDecoder().decode(await disk.read("b"));
    seen.add(`${names}:${b}`);
  }
  assertEquals([...seen].sort(), ["a,b:b", "b:a"]);
});
