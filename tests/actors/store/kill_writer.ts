/** A process that writes until it is killed: each line it prints is an answered write of that number. */
import { realDisk } from "../../../actors/disk/real_disk.ts";
import { realClock } from "../../../actors/real/real_clock.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";

const [directory = "", first = "0"] = Deno.args;
const storage = await openStorage({
  disk: realDisk(directory),
  clock: realClock,
  random: realRandom,
  snapshotEvery: { entries: 300, bytes: 1 << 20 },
});
let next = Number(first);
const line = new TextEncoder();
await Promise.all(Array.from({ length: 16 }, async () => {
  for (;;) {
    const number = next++;
    const value = line.encode(`${number}`.padStart(200, "."));
    await storage.txn({ compare: [], success: [{ type: "put", key: `/k/${number}`, value }], failure: [] });
    Deno.stdout.writeSync(line.encode(`${number}\n`));
  }
}));
