import { realDisk } from "../../../actors/disk/real_disk.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import type { Disk } from "../../../ports/disk.ts";
import { storageContract, type StorageWorld } from "../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";

async function world(disk: Disk, cleanUp: () => Promise<void>): Promise<StorageWorld> {
  const clock = new HandClock();
  const storage = await openStorage({ disk, clock, random: seededRandom(1) });
  return {
    storage,
    advance: (milliseconds) => clock.advance(milliseconds),
    close: async () => {
      await storage.close();
      await cleanUp();
    },
  };
}

storageContract(
  "openStorage on the simulated disk",
  () => world(new SimulatedDisk({ random: seededRandom(2) }), () => Promise.resolve()),
);

storageContract("openStorage on a real disk", async () => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-store-" });
  return await world(realDisk(directory), () => Deno.remove(directory, { recursive: true }));
});
