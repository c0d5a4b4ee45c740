import { realClock } from "../../../actors/real/real_clock.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import { clockContract } from "../../contracts/clock_contract.ts";
import { randomContract } from "../../contracts/random_contract.ts";

clockContract("realClock", () => ({
  clock: realClock,
  pass: (milliseconds) => new Promise((resolve) => realClock.wakeAt(realClock.now() + milliseconds, resolve)),
}));

randomContract("realRandom", () => realRandom);
