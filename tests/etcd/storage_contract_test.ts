/** The Storage port over an etcd client passes its contract, on a real etcd and on Chartroom's own endpoint. */
import { realClock } from "../../actors/real/real_clock.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { openEtcdStorage } from "../../actors/etcd/open_etcd_storage.ts";
import { storageContract } from "../contracts/storage_contract.ts";
import { serverKinds } from "./servers.ts";

/** etcd's own fault: compaction drops the delete at its revision, sooner or later; mended in later releases. */
const faultsOf: Record<string, Record<string, string>> = {
  "Debian's etcd": { "shows a delete at the compacted revision to a watch from there": "etcd 3.4.23 may lose it" },
};

for (const [name, start] of Object.entries(serverKinds)) {
  storageContract(`openEtcdStorage on ${name}`, async () => {
    const server = await start({ quick: true });
    const endpoints = server.all.map(({ url }) => new URL(url).host);
    const storage = await openEtcdStorage({ endpoints, tls: server.files.pem, clock: realClock, random: realRandom })
      .catch(async (error) => {
        await server.close();
        throw error;
      });
    return {
      storage,
      advance: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      close: async () => {
        await storage.close();
        await server.close();
      },
    };
  }, faultsOf[name]);
}
