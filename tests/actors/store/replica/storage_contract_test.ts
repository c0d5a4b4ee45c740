import { realDisk } from "../../../../actors/disk/real_disk.ts";
import { SimulatedDisk } from "../../../../actors/simulated/disk.ts";
import { openReplicatedStorage } from "../../../../actors/store/replica/open_replicated_storage.ts";
import type { Disk } from "../../../../ports/disk.ts";
import { storageContract, type StorageWorld } from "../../../contracts/storage_contract.ts";
import { HandClock, seededRandom } from "../../../contracts/test_world.ts";
import { Trio } from "./trio.ts";

async function alone(disk: Disk, cleanUp: () => Promise<void>): Promise<StorageWorld> {
  const clock = new HandClock();
  const storage = await openReplicatedStorage({ disk, clock, random: seededRandom(1), name: "a" });
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
  "openReplicatedStorage alone on the simulated disk",
  () => alone(new SimulatedDisk({ random: seededRandom(2) }), () => Promise.resolve()),
);

storageContract("openReplicatedStorage alone on a real disk", async () => {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-store-" });
  return await alone(realDisk(directory), () => Deno.remove(directory, { recursive: true }));
});

/** Three members whose moments pass by themselves; time stands still until `advance`. */
async function simulated(which: "leader" | "follower"): Promise<StorageWorld> {
  const trio = new Trio();
  const leader = await trio.startAll();
  await trio.clock.pass(100);
  let isOpen = true;
  const turn = () => {
    if (!isOpen) return;
    trio.clock.advance(0);
    setImmediate(turn);
  };
  turn();
  return {
    storage: which === "leader" ? leader : trio.followers()[0]!,
    advance: (milliseconds) => trio.clock.pass(milliseconds),
    close: async () => {
      isOpen = false;
      await trio.closeAll();
    },
  };
}

for (const which of ["leader", "follower"] as const) {
  storageContract(`openReplicatedStorage by the ${which} of three simulated members`, () => simulated(which));
}
