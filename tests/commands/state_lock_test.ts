import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClusterState } from "../../commands/cluster_state.ts";
import { awaitLock, lockHolder, takeLock } from "../../commands/state_lock.ts";

async function inDirectory(fn: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await fn(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("takeLock is for one at a time, and lockHolder tells who", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/lock`;
    assertEquals(await lockHolder(path), undefined);
    const lock = await takeLock(path);
    assertEquals(await lockHolder(path), Deno.pid);
    assertEquals(await takeLock(path), undefined);
    assertEquals(await takeLock(path, "shared"), undefined);
    lock!.release();
    assertEquals(await lockHolder(path), undefined);
    const [one, other] = [await takeLock(path, "shared"), await takeLock(path, "shared")];
    assert(one !== undefined && other !== undefined);
    const waiting = awaitLock(path, 10_000);
    one.release();
    other.release();
    (await waiting)!.release();
  });
});

Deno.test("a lock goes with the process that holds it, however it ends", async () => {
  await inDirectory(async (directory) => {
    const module = new URL("../../commands/state_lock.ts", import.meta.url).href;
    const script = `import { takeLock } from "${module}"; await takeLock("${directory}/lock");
      console.log("held"); setInterval(() => {}, 1000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", "--no-lock", script],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    assertEquals(await lockHolder(`${directory}/lock`), child.pid);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assertEquals(await lockHolder(`${directory}/lock`), undefined);
  });
});

Deno.test("ClusterState refuses directories that are not its own", async () => {
  await inDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/full`);
    await Deno.writeTextFile(`${directory}/full/thesis.txt`, "");
    await assertRejects(() => new ClusterState("a", `${directory}/full`).prepare(), Error, "thesis.txt");
    await Deno.writeTextFile(`${directory}/file`, "");
    await assertRejects(() => new ClusterState("a", `${directory}/file`).prepare(), Error, "not a directory");
    const state = new ClusterState("a", `${directory}/a`);
    await state.prepare();
    await state.identityOrNew([]);
    await state.prepare();
    await assertRejects(() => new ClusterState("b", `${directory}/a`).prepare(), Error, 'belongs to cluster "a"');
    await Deno.mkdir(`${directory}/a/store`);
    await Deno.writeTextFile(`${directory}/a/mine.txt`, "");
    await state.remove();
    assertEquals((await Array.fromAsync(Deno.readDir(`${directory}/a`))).map(({ name }) => name), ["mine.txt"]);
  });
});
