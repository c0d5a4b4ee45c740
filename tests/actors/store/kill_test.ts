import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";
import { realDisk } from "../../../actors/disk/real_disk.ts";
import { realClock } from "../../../actors/real/real_clock.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import { prefixEnd } from "../../../ports/storage.ts";

const writer = fileURLToPath(new URL("./kill_writer.ts", import.meta.url));
const lives = 4;

/** Runs the writer until it has answered so many writes, then kills it; the numbers that it had answered. */
async function writeAndKill(directory: string, first: number, enough: number): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", writer, directory, String(first)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let printed = "";
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += chunk;
    if (killed || printed.split("\n").length <= enough) continue;
    child.kill("SIGKILL");
    killed = true;
  }
  await child.status;
  return printed.slice(0, printed.lastIndexOf("\n")).split("\n").map(Number);
}

Deno.test("openStorage has every answered write after kill -9", async () => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-kill-" });
  const acknowledged = new Set<number>();
  let survived = 0;
  let found = 0;
  try {
    for (let life = 0; life < lives; life++) {
      const numbers = await writeAndKill(directory, life * 1_000_000, 500 + life * 777);
      for (const number of numbers) acknowledged.add(number);
      const storage = await openStorage({ disk: realDisk(directory), clock: realClock, random: realRandom });
      const { kvs } = await storage.range({ key: "/k/", end: prefixEnd("/k/") });
      const kept = new Map(kvs.map(({ key, value }) => [Number(key.slice(3)), new TextDecoder().decode(value)]));
      await storage.close();
      survived = [...acknowledged].filter((number) => kept.get(number) === `${number}`.padStart(200, ".")).length;
      found = kept.size;
      assert(survived === acknowledged.size, `${acknowledged.size} writes were answered, ${survived} survived`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  console.log(
    `killed ${lives} times: ${acknowledged.size} writes answered, ${survived} of them survived (${found} in all)`,
  );
});
