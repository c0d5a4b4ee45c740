/** What every implementation of the Disk port must do, power loss apart. */
import { assertEquals, assertRejects } from "@std/assert";
import { type Disk, DiskError } from "../../ports/disk.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const contents = async (disk: Disk, path: string) => new TextDecoder().decode(await disk.read(path));

async function failure(act: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(act, DiskError)).code;
}

async function make(disk: Disk, path: string, ...parts: string[]): Promise<void> {
  const file = await disk.open(path, { create: true });
  for (const part of parts) await file.append(bytes(part));
  await file.sync();
  await file.close();
}

const rules: Record<string, (disk: Disk) => Promise<void>> = {
  "appends, tells the size and reads back": async (disk) => {
    await disk.makeDirectory("d/e");
    await make(disk, "d/e/f", "ab", "cd");
    await make(disk, "d/e/f", "ef");
    assertEquals(await contents(disk, "d/e/f"), "abcdef");
    const file = await disk.open("d/e/f");
    assertEquals(await file.size(), 6);
    await file.close();
  },
  "truncates, and appends after that": async (disk) => {
    await disk.makeDirectory("d");
    await make(disk, "d/f", "abcdef");
    const file = await disk.open("d/f");
    await file.truncate(2);
    await file.append(bytes("X"));
    await file.close();
    assertEquals(await contents(disk, "d/f"), "abX");
  },
  "lists names in order, and nothing of a directory that is not there": async (disk) => {
    await disk.makeDirectory("d");
    for (const name of ["b", "a", "c"]) await make(disk, `d/${name}`);
    assertEquals(await disk.list("d"), ["a", "b", "c"]);
    assertEquals(await disk.list("none"), []);
  },
  "renames over what is there, while the file is open": async (disk) => {
    await disk.makeDirectory("d");
    await make(disk, "d/old", "old");
    const file = await disk.open("d/new", { create: true });
    await file.append(bytes("1"));
    await disk.rename("d/new", "d/old");
    await file.append(bytes("2"));
    await file.sync();
    await file.close();
    await disk.syncDirectory("d");
    assertEquals([await disk.list("d"), await contents(disk, "d/old")], [["old"], "12"]);
  },
  "removes": async (disk) => {
    await disk.makeDirectory("d");
    await make(disk, "d/f", "x");
    await disk.remove("d/f");
    assertEquals(await disk.list("d"), []);
    assertEquals(await failure(() => disk.remove("d/f")), "notFound");
  },
  "says that a file is not there": async (disk) => {
    assertEquals(await failure(() => disk.read("none")), "notFound");
    assertEquals(await failure(() => disk.open("none")), "notFound");
    assertEquals(await failure(() => disk.open("no/directory", { create: true })), "notFound");
    assertEquals(await failure(() => disk.rename("none", "other")), "notFound");
  },
  "lets one opener hold a lock": async (disk) => {
    await disk.makeDirectory("d");
    const held = await disk.lock("d/lock");
    assertEquals(await failure(() => disk.lock("d/lock")), "locked");
    await held.release();
    await held.release();
    await (await disk.lock("d/lock")).release();
  },
};

/** Registers a test for each rule, with an empty disk each. */
export function diskContract(name: string, open: () => Promise<{ disk: Disk; cleanUp(): Promise<void> }>): void {
  for (const [rule, check] of Object.entries(rules)) {
    Deno.test(`${name} ${rule}`, async () => {
      const { disk, cleanUp } = await open();
      try {
        await check(disk);
      } finally {
        await cleanUp();
      }
    });
  }
}
