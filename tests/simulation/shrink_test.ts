import { assertEquals, assertThrows } from "@std/assert";
import { minimise } from "../../commands/simulation/shrink.ts";
import { faultsOf } from "../../commands/simulate.ts";

const cases: readonly [needed: readonly number[], of: number][] = [
  [[], 10],
  [[3], 40],
  [[0, 39], 40],
  [[1, 2, 17], 33],
  [[0, 1, 2], 3],
];

for (const [needed, of] of cases) {
  Deno.test(`minimise leaves exactly [${needed}] of ${of}`, async () => {
    let runs = 0;
    const all = Array.from({ length: of }, (_, index) => index);
    const left = await minimise(all, (part) => {
      runs++;
      return Promise.resolve(needed.every((each) => part.includes(each)));
    });
    assertEquals(left, needed);
    assertEquals(runs < 120, true, `${runs} runs`);
  });
}

Deno.test("faultsOf takes all, none and names, and refuses others by name", () => {
  assertEquals(faultsOf("none"), []);
  assertEquals(faultsOf("partition, powerLoss"), ["partition", "powerLoss"]);
  assertEquals(faultsOf("all").length > 15, true);
  assertThrows(() => faultsOf("partition,rain"), Error, "Cannot simulate the faults rain");
});
