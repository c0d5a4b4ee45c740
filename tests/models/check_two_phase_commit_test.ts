/**
 * Two-phase commit as Gray and Lamport specify it ("Consensus on Transaction Commit"): messages are a set that is never
 * emptied. Its numbers of states are published, so that they tell whether the checker sees every state, and each once.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { assign, setup } from "xstate";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem, systemActor, type SystemModel } from "../../machines/check/check_system.ts";
import { effect } from "../../machines/effect.ts";

type Outcome = "committed" | "aborted";
type ManagerEvent =
  | { type: "resource.prepared"; by: string }
  | { type: "commit.decided" }
  | { type: "abort.decided" };

const managerMachine = setup({
  types: {
    context: {} as { resources: number; prepared: Record<string, true> },
    events: {} as ManagerEvent,
    input: {} as { resources: number },
  },
  actions: {
    announce: effect<{ outcome: Outcome }>(),
    notePrepared: assign({
      prepared: ({ context }, { by }: { by: string }) => ({ ...context.prepared, [by]: true as const }),
    }),
  },
  guards: {
    areAllPrepared: ({ context }) => Object.keys(context.prepared).length === context.resources,
  },
}).createMachine({
  id: "transactionManager",
  options: { maxIterations: 100 },
  context: ({ input }) => ({ ...input, prepared: {} }),
  initial: "deciding",
  states: {
    deciding: {
      description: "Waits for the resource managers",
      on: {
        "resource.prepared": { actions: { type: "notePrepared", params: ({ event }) => ({ by: event.by }) } },
        "commit.decided": { guard: "areAllPrepared", target: "committed" },
        "abort.decided": "aborted",
      },
    },
    committed: { description: "Committed", entry: { type: "announce", params: { outcome: "committed" } } },
    aborted: { description: "Aborted", entry: { type: "announce", params: { outcome: "aborted" } } },
  },
});

type ResourceEvent =
  | { type: "work.done" }
  | { type: "work.failed" }
  | { type: "transaction.committed" }
  | { type: "transaction.aborted" };

function resourceMachineOf(afterPrepared: "transaction.aborted" | "work.failed") {
  return setup({
    types: { events: {} as ResourceEvent },
    actions: { reportPrepared: effect() },
  }).createMachine({
    id: "resourceManager",
    options: { maxIterations: 100 },
    initial: "working",
    on: { "transaction.committed": ".committed", "transaction.aborted": ".aborted" },
    states: {
      working: { description: "Works on its part", on: { "work.done": "prepared", "work.failed": "aborted" } },
      prepared: {
        description: "Has promised to commit if it is told to",
        entry: { type: "reportPrepared", params: {} },
        // The mutant breaks the promise.
        on: afterPrepared === "work.failed" ? { "work.failed": "aborted" } : {},
      },
      committed: { description: "Committed" },
      aborted: { description: "Aborted" },
    },
  });
}

const resourceMachine = resourceMachineOf("transaction.aborted");

function twoPhaseCommit(count: number, machine = resourceMachine): SystemModel {
  const names = Array.from({ length: count }, (_, index) => `rm${index + 1}`);
  const manager = systemActor("tm", managerMachine, {
    input: { resources: count },
    events: [{ event: { type: "commit.decided" } }, { event: { type: "abort.decided" } }],
    sends: {
      announce: ({ outcome }: { outcome: Outcome }) =>
        names.map((to) => ({ to, event: { type: `transaction.${outcome}` } })),
    },
  });
  const resources = names.map((name) =>
    systemActor(name, machine, {
      events: [{ event: { type: "work.done" } }, { event: { type: "work.failed" } }],
      sends: { reportPrepared: (_, self) => ({ to: "tm", event: { type: "resource.prepared", by: self } }) },
    })
  );
  return {
    actors: [manager, ...resources],
    network: { delivery: "repeated", unhandled: "stays" },
    always: {
      "nobody commits what another aborts": (s) =>
        !resources.some((one) => s.of(one).is("committed")) || !resources.some((one) => s.of(one).is("aborted")),
    },
    sometimes: {
      "all commit": (s) => resources.every((one) => s.of(one).is("committed")),
      "all abort": (s) => resources.every((one) => s.of(one).is("aborted")),
    },
    limits: { states: 20_000 },
  };
}

const sizes = [
  { resources: 3, states: 288, orbits: 80 },
  { resources: 5, states: 8_832, orbits: 314 },
];
for (const { resources, states, orbits } of sizes) {
  Deno.test(`checkSystem: two-phase commit of ${resources} resource managers has ${states} states`, () => {
    const check = checkSystem(twoPhaseCommit(resources));
    assertEquals([check.verdict, check.states], ["complete", states], describeCheck(check));
    assert(check.collisionChance < 1e-9);
    assertEquals(check.uncovered, []);
  });

  Deno.test(`checkSystem: ${resources} resource managers that are alike make ${orbits} orbits`, () => {
    const model = twoPhaseCommit(resources);
    const names = model.actors.slice(1).map(({ name }) => name);
    const check = checkSystem({ ...model, symmetry: [names] });
    assertEquals([check.verdict, check.states], ["complete", orbits], describeCheck(check));
  });
}

Deno.test("checkSystem tells the shortest story of a broken promise, with symmetry and without", () => {
  const model = twoPhaseCommit(2, resourceMachineOf("work.failed"));
  const plain = checkSystem(model);
  assertEquals(plain.verdict, "violated");
  assertEquals(plain.violations[0]!.moves.length, 8);
  assertStringIncludes(plain.violations[0]!.story, "tm -> rm2: transaction.committed");
  const reduced = checkSystem({ ...model, symmetry: [["rm1", "rm2"]] });
  assertEquals(reduced.violations[0]!.moves.length, 8);
});
