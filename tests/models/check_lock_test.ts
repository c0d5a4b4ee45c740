/** The example of `docs/checker.md`: two clients and a lock, and a lock that forgets who holds it. */
import { assert, assertEquals } from "@std/assert";
import { assign, setup } from "xstate";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem, replaySystem, systemActor, type SystemModel } from "../../machines/check/check_system.ts";
import { effect } from "../../machines/effect.ts";

type Fault = "grantsTwice" | "neverPassesOn" | "forgetsToDequeue" | "neverReleases" | "asksTwice";

const clientMachineOf = (fault?: Fault) =>
  setup({
    types: { events: {} as { type: "user.came" } | { type: "lock.granted" } | { type: "user.left" } },
    actions: { askLock: effect(), releaseLock: effect() },
  }).createMachine({
    id: "client",
    options: { maxIterations: 100 },
    initial: "idle",
    states: {
      idle: { description: "Needs no lock", on: { "user.came": "asking" } },
      asking: {
        description: "Waits for the lock",
        entry: Array.from({ length: fault === "asksTwice" ? 2 : 1 }, () => ({ type: "askLock" as const, params: {} })),
        on: { "lock.granted": "holding" },
      },
      holding: {
        description: "Holds the lock",
        on: {
          "user.left": {
            target: "idle",
            actions: fault === "neverReleases" ? [] : [{ type: "releaseLock" as const, params: {} }],
          },
        },
      },
    },
  });

interface Waiting {
  readonly context: { waiting: string[] };
}

const lockMachineOf = (fault?: Fault) =>
  setup({
    types: {
      context: {} as { waiting: string[] },
      events: {} as { type: "lock.asked"; by: string } | { type: "lock.released" },
    },
    actions: {
      grantLock: effect<{ to: string }>(),
      queue: assign({ waiting: ({ context }, { by }: { by: string }) => [...context.waiting, by].slice(0, 4) }),
      dequeue: assign({ waiting: ({ context }) => context.waiting.slice(1) }),
    },
    guards: { isAwaited: ({ context }) => context.waiting.length > 0 },
  }).createMachine({
    id: "lock",
    options: { maxIterations: 100 },
    context: { waiting: [] },
    initial: "free",
    states: {
      free: {
        description: "Nobody holds it",
        on: {
          "lock.asked": {
            target: "held",
            actions: { type: "grantLock", params: ({ event }) => ({ to: event.by }) },
          },
        },
      },
      held: {
        description: "Somebody holds it",
        on: {
          "lock.asked": {
            actions: fault === "grantsTwice"
              ? { type: "grantLock", params: ({ event }) => ({ to: event.by }) }
              : { type: "queue", params: ({ event }) => ({ by: event.by }) },
          },
          "lock.released": [
            {
              guard: "isAwaited",
              actions: [
                ...(fault === "neverPassesOn"
                  ? []
                  : [{ type: "grantLock" as const, params: ({ context }: Waiting) => ({ to: context.waiting[0]! }) }]),
                ...(fault === "forgetsToDequeue" ? [] : ["dequeue" as const]),
              ],
            },
            { target: "free" },
          ],
        },
      },
    },
  });

const clientsOf = (fault?: Fault) =>
  ["ann", "bob"].map((name) =>
    systemActor(name, clientMachineOf(fault), {
      sends: {
        askLock: (_, self) => ({ to: "lock", event: { type: "lock.asked", by: self } }),
        releaseLock: () => ({ to: "lock", event: { type: "lock.released" } }),
      },
      events: [{ event: { type: "user.came" }, spends: "visits" }, { event: { type: "user.left" } }],
    })
  );
const clients = clientsOf();
const lockMachine = lockMachineOf();
const lockOptions = {
  sends: { grantLock: ({ to }: { to: string }) => ({ to, event: { type: "lock.granted" } }) },
};

function lockModel(lock = systemActor("lock", lockMachine, lockOptions), visitors = clients): SystemModel {
  return {
    actors: [...visitors, lock],
    network: { order: "ordered" },
    budgets: { visits: 3 },
    always: { "one holds the lock": (s) => visitors.filter((client) => s.of(client).is("holding")).length <= 1 },
    sometimes: { "somebody waits": (s) => (s.of(lock).snapshot?.context.waiting.length ?? 0) > 0 },
    leadsTo: Object.fromEntries(
      visitors.map((client) => [
        `${client.name} gets what it asks for`,
        [(s) => s.of(client).is("asking"), (s) => s.of(client).is("holding")],
      ]),
    ),
    fairness: { weak: ["deliver", "event"] },
    mayEnd: (s) => visitors.every((client) => s.of(client).is("idle")),
    limits: { states: 10_000 },
  };
}

Deno.test("checkSystem: a lock is held by one, and whoever asks gets it", () => {
  const check = checkSystem(lockModel());
  assertEquals([check.verdict, check.uncovered], ["complete", []], describeCheck(check));
});

Deno.test("checkSystem: whoever asks for a lock waits for ever if a message may be lost", () => {
  const model = { ...lockModel(), network: { losses: 1 } };
  const check = checkSystem(model);
  assertEquals([check.verdict, check.violations[0]?.kind], ["violated", "dead end"], describeCheck(check));
  const { mayEnd: _, ...endless } = model;
  const { violations } = checkSystem(endless);
  assertEquals([violations[0]?.rule, violations[0]?.cycle], ["ann gets what it asks for", []]);
});

Deno.test("checkSystem: a lock that forgets in a crash who holds it is held by two", () => {
  const lock = systemActor("lock", lockMachine, { ...lockOptions, recover: () => [undefined] });
  const { leadsTo: _, mayEnd: _end, ...sound } = lockModel(lock);
  const model = { ...sound, crashes: 1 };
  const check = checkSystem(model);
  assertEquals(
    check.violations[0]?.story,
    `  1 start                                 ann: idle; bob: idle; lock: free
  2 ann: user.came                        -> ann asking; sends lock lock.asked
  3 ann -> lock: lock.asked {"by":"ann"}  -> lock held; sends ann lock.granted
  4 lock -> ann: lock.granted             -> ann holding
  5 bob: user.came                        -> bob asking; sends lock lock.asked
  6 lock crashes                          -> lock down
  7 lock starts again                     -> lock free
  8 bob -> lock: lock.asked {"by":"bob"}  -> lock held; sends bob lock.granted
  9 lock -> bob: lock.granted             -> bob holding`,
  );
  const { state } = replaySystem(model, check.violations[0]!.moves).at(-1)!;
  assert(clients.every((client) => state.of(client).is("holding")));
});

const mutants: { fault: Fault; rule: string }[] = [
  { fault: "grantsTwice", rule: "one holds the lock" },
  { fault: "neverPassesOn", rule: "Nothing can happen any more" },
  { fault: "forgetsToDequeue", rule: "Nothing can happen any more" },
  { fault: "neverReleases", rule: "Nothing can happen any more" },
  { fault: "asksTwice", rule: "Nothing can happen any more" },
];
for (const { fault, rule } of mutants) {
  Deno.test(`checkSystem catches a lock or a client that ${fault}`, () => {
    const check = checkSystem(lockModel(systemActor("lock", lockMachineOf(fault), lockOptions), clientsOf(fault)));
    assertEquals([check.verdict, check.violations[0]?.rule], ["violated", rule], describeCheck(check));
  });
}
