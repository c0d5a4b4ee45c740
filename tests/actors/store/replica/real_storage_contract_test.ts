import { storageContract } from "../../../contracts/storage_contract.ts";
import { realTrio } from "./real_trio.ts";

for (const which of ["leader", "follower"] as const) {
  storageContract(`openReplicatedStorage by the ${which} of three members over TLS`, async () => {
    const trio = await realTrio();
    const leader = await trio.leader();
    return {
      storage: which === "leader" ? leader : trio.storages.find((each) => each !== leader)!,
      advance: (milliseconds) => trio.clock.advance(milliseconds),
      close: () => trio.close(),
    };
  });
}
