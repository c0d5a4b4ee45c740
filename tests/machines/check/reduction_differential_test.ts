/** A reduced search against the full one: random systems, and models of what ships. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describeCheck } from "../../../machines/check/check_report.ts";
import { checkSystem, type SystemCheck } from "../../../machines/check/check_system.ts";
import { networks, randomActors, randomSystem } from "./random_systems.ts";

const verdictOf = ({ verdict, violations }: SystemCheck) => [verdict, violations.map(({ kind, rule }) => [kind, rule])];

Deno.test("a reduced search of random systems says what the full one says, and comes to the same ends", () => {
  let [full, reduced, smaller] = [0, 0, 0];
  fc.assert(
    fc.property(
      randomActors,
      fc.constantFrom(...networks),
      fc.subarray([0, 1], { minLength: 1 }),
      fc.oneof(fc.constant(-1), fc.nat(2)),
      (actors, network, read, bad) => {
        const one = randomSystem(actors, network, read, bad);
        const other = randomSystem(actors, network, read, bad);
        const all = checkSystem(one.model);
        const some = checkSystem({ ...other.model, reads: other.reads });
        assertEquals(some.unreduced, undefined);
        assertEquals(verdictOf(some), verdictOf(all), describeCheck(all) + "\n\n" + describeCheck(some));
        if (all.verdict === "incomplete" || all.violations.some(({ kind }) => kind === "always")) return;
        assertEquals([...other.ends].sort(), [...one.ends].sort());
        assertEquals([some.locals, some.uncovered], [all.locals, all.uncovered]);
        full += all.states;
        reduced += some.states;
        if (some.states < all.states) smaller++;
      },
    ),
    { numRuns: Number(Deno.env.get("CHARTROOM_RUNS") ?? 300) },
  );
  console.log(
    `${full} states, reduced ${reduced}: ${(full / reduced).toFixed(2)} times fewer; ${smaller} were smaller`,
  );
  assert(smaller > 20, `only ${smaller} systems were reduced`);
});
