/** A search in several workers says what one alone says. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { checkInWorkers } from "../../../actors/check/check_in_workers.ts";
import type { ModelSource } from "../../../actors/check/worker_messages.ts";
import { modelOf } from "../../../actors/check/worker_messages.ts";
import { checkSystem, replaySystem, type SystemCheck } from "../../../machines/check/check_system.ts";
import { networks, randomActors } from "../../machines/check/random_systems.ts";

const source = (make: string, ...args: readonly unknown[]): ModelSource => ({
  module: import.meta.resolve("./worker_models.ts"),
  make,
  args,
});

/** Which of several broken rules is told, and which of the shortest runs, may differ. */
const sizes = (
  { verdict, reason, states, generated, depth, ends, uncovered, locals, messages, renamings }: SystemCheck,
) => ({
  verdict,
  reason,
  states,
  generated,
  depth,
  ends,
  uncovered,
  locals,
  messages,
  renamings,
});

const complete: readonly (readonly [string, ModelSource])[] = [
  ["an election", source("electionIn", { voters: 3, maxTerm: 1, losses: 1 })],
  ["an election with crashes", source("electionIn", { voters: 2, maxTerm: 2, crashes: 2 })],
  ["an election up to symmetry", source("electionIn", { voters: 3, maxTerm: 2, losses: 2 }, true)],
  ["an API server with a history", source("apiServerIn")],
];

for (const [name, model] of complete) {
  Deno.test(`checkInWorkers sees as many states of ${name} as checkSystem`, async () => {
    const alone = checkSystem(await modelOf(model));
    const together = await checkInWorkers(model, { workers: 2 });
    assertEquals(sizes(together), sizes(alone));
    assert(alone.states > 300, `only ${alone.states} states: nothing was shared out`);
  });
}

Deno.test("checkInWorkers says of random systems what checkSystem says", async () => {
  let [shared, broken] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      randomActors,
      fc.nat(networks.length - 1),
      fc.integer({ min: -1, max: 2 }),
      async (actors, network, bad) => {
        const model = source("randomIn", actors, network, bad);
        const alone = checkSystem(await modelOf(model));
        const together = await checkInWorkers(model, { workers: 2 });
        assertEquals(together.verdict, alone.verdict);
        if (alone.states > 192) shared++;
        const [violation] = together.violations;
        if (violation === undefined || violation.moves.length === 0) return assertEquals(sizes(together), sizes(alone));
        broken++;
        assert(violation.moves.length <= alone.violations[0]!.moves.length, violation.story);
        assertEquals(replaySystem(await modelOf(model), violation.moves).length, violation.moves.length);
      },
    ),
    { numRuns: Number(Deno.env.get("CHARTROOM_RUNS") ?? 3) },
  );
  console.log(`${shared} were shared out, ${broken} broke a rule`);
});

Deno.test("checkInWorkers tells a shortest run to a broken rule, and the same rule each time", async () => {
  const model = source("electionIn", { voters: 3, maxTerm: 2, crashes: 1, forgets: true });
  const [alone] = checkSystem(await modelOf(model)).violations;
  for (let time = 0; time < 2; time++) {
    const { verdict, violations: [violation] } = await checkInWorkers(model, { workers: 2 });
    assertEquals([verdict, violation?.rule, violation?.moves.length], ["violated", alone!.rule, alone!.moves.length]);
    assertEquals(replaySystem(await modelOf(model), violation!.moves).length, alone!.moves.length);
  }
});

Deno.test("checkInWorkers ends at the limits that the model sets, and says which", async () => {
  const { verdict, reason } = await checkInWorkers(
    source("electionIn", { voters: 3, maxTerm: 3, states: 20_000 }),
    { workers: 2 },
  );
  assertEquals([verdict, reason], ["incomplete", "more than 20000 states"]);
});

Deno.test("checkInWorkers says what went wrong in a worker", async () => {
  await assertRejects(() => checkInWorkers(source("broken"), { workers: 2 }), Error, "it cannot be made");
  await assertRejects(() => checkInWorkers(source("absent"), { workers: 2 }), Error, 'exports no function "absent"');
});
