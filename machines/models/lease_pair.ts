/**
 * Two candidates, one lease, an API server that is slow, refuses, and answers in any order: at most one leads, as long
 * as no request takes 5 s. That is what leaseDuration (15 s) minus renewDeadline (10 s) leaves, since a leader counts
 * from the answer to its renewal and the other candidate from the renewal itself.
 * Late answers are not looked at: a performer that learned the version from one would take over a lease that its
 * machine has not seen renewed.
 *
 * Time goes in ticks of 2.5 s. Clocks run alike; that of one candidate never looks at the other's.
 */
import type { EventFromLogic, SnapshotFrom } from "xstate";
import { MachineCoverage } from "../check/machine_coverage.ts";
import { explore, type Model } from "../check/explore.ts";
import { stateName } from "../chart_names.ts";
import { effectsOf } from "../effect.ts";
import { leaderElectionMachine } from "../leader_election/leader_election_machine.ts";
import type { NamedModel } from "./model.ts";
import { firstStep, type Step, step as stepOf } from "../step.ts";

type Machine = typeof leaderElectionMachine;
type Fact = EventFromLogic<Machine>;

interface Request {
  readonly type: string;
  /** The lease's version that the candidate knew when it asked: a write over a newer one is refused. */
  readonly knew: number;
  readonly age: number;
  /** Called off: nobody awaits the answer, and yet it may be carried out. */
  readonly orphan: boolean;
  /** What the API server did; the answer is under way. */
  readonly answer?: Fact;
  readonly known?: number;
}

interface Candidate {
  readonly snapshot: SnapshotFrom<Machine>;
  readonly known: number;
  readonly requests: readonly Request[];
  /** Ticks left, by timer. */
  readonly timers: Readonly<Record<string, { readonly left: number; readonly event: { readonly type: string } }>>;
}

interface Pair {
  readonly holder: number;
  readonly version: number;
  readonly candidates: readonly Candidate[];
}

type Choice =
  | { readonly do: "tick" }
  | { readonly do: "timer"; readonly who: number; readonly id: string }
  | { readonly do: "serve" | "refuse" | "answer"; readonly who: number; readonly at: number };

const tickMs = 2500;
const effects = effectsOf(leaderElectionMachine);

function after(before: Candidate, made: Step<Machine>): Candidate {
  const timers = { ...before.timers };
  for (const { id, delayMs, event } of made.timers) {
    delete timers[id];
    if (delayMs !== undefined && event !== undefined) timers[id] = { left: Math.ceil(delayMs / tickMs), event };
  }
  let requests = before.requests;
  for (const { type } of made.orders) {
    const { cancels = [], answers } = effects.get(type)!;
    requests = requests.map((each) => cancels.includes(each.type) ? { ...each, orphan: true } : each)
      // Of those that nobody awaits only a write that is still to come makes a difference.
      .filter(({ orphan, type, answer }) => !orphan || (type !== "readLease" && answer === undefined));
    if (answers.length > 0) requests = [...requests, { type, knew: before.known, age: 0, orphan: false }];
  }
  return { snapshot: made.snapshot, known: before.known, requests, timers };
}

function newCandidate(coverage: MachineCoverage): Candidate {
  const made = firstStep(leaderElectionMachine, { component: "scheduler" });
  coverage.note(made);
  return after({ snapshot: made.snapshot, known: -1, requests: [], timers: {} }, made);
}

const failures: Record<string, Fact> = Object.fromEntries(
  [...effects].map(([type, { fails }]) => [type, { type: fails, reason: "Slow", message: "refused" } as Fact]),
);

interface Served {
  readonly holder: number;
  readonly version: number;
  readonly answer: Fact;
  readonly known?: number;
}

/** What the API server does with a request: the lease afterwards and what the candidate will hear. */
function serve({ holder, version }: Pair, who: number, { type, knew }: Request): Served {
  const written = { holder: who, version: version + 1, known: version + 1 };
  switch (type) {
    case "readLease": {
      const seen = holder < 0 ? "none" : holder === who ? "self" : "other";
      return {
        holder,
        version,
        known: version,
        answer: { type: "lease.read", holder: seen, token: `${version}` } as Fact,
      };
    }
    case "takeLease":
      if (knew === version) return { ...written, answer: { type: "lease.taken" } as Fact };
      break;
    case "renewLease":
      if (holder === who) return { ...written, answer: { type: "lease.renewed" } as Fact };
      break;
  }
  return { holder, version, answer: failures[type]! };
}

/** `maxAge`: ticks after which every request has been answered. What is walked through of the chart is noted. */
export function leasePair(maxAge: number, coverage = new MachineCoverage(leaderElectionMachine)): Model<Pair, Choice> {
  const step = (machine: Machine, snapshot: SnapshotFrom<Machine>, event: { readonly type: string }) => {
    const made = stepOf(machine, snapshot, event);
    coverage.note(made);
    return made;
  };
  const change = (pair: Pair, who: number, candidate: Candidate): Pair => ({
    ...pair,
    candidates: pair.candidates.map((each, index) => index === who ? candidate : each),
  });
  return {
    init: { holder: -1, version: 0, candidates: [newCandidate(coverage), newCandidate(coverage)] },
    maxStates: 400_000,
    choices({ candidates }) {
      const choices: Choice[] = [];
      let mayTick = true;
      for (const [who, { requests, timers }] of candidates.entries()) {
        for (const [id, { left }] of Object.entries(timers)) {
          if (left > 0) continue;
          choices.push({ do: "timer", who, id });
          mayTick = false;
        }
        for (const [at, { answer, age, type, orphan }] of requests.entries()) {
          if (answer !== undefined) choices.push({ do: "answer", who, at });
          else {
            choices.push({ do: "serve", who, at });
            // A take-over that fails is what two candidates do to each other; others also fail by themselves.
            if (type !== "takeLease" && !orphan) choices.push({ do: "refuse", who, at });
          }
          if (age >= maxAge) mayTick = false;
        }
      }
      if (mayTick) choices.push({ do: "tick" });
      return choices;
    },
    step(pair, choice) {
      if (choice.do === "tick") {
        const older = (each: Candidate): Candidate => ({
          ...each,
          requests: each.requests.map((request) => ({ ...request, age: request.age + 1 })),
          timers: Object.fromEntries(
            Object.entries(each.timers).map(([id, { left, event }]) => [id, { left: left - 1, event }]),
          ),
        });
        return { ...pair, candidates: pair.candidates.map(older) };
      }
      const candidate = pair.candidates[choice.who]!;
      if (choice.do === "timer") {
        const { [choice.id]: fired, ...timers } = candidate.timers;
        const made = step(leaderElectionMachine, candidate.snapshot, fired!.event);
        return change(pair, choice.who, after({ ...candidate, timers }, made));
      }
      const request = candidate.requests[choice.at]!;
      if (choice.do !== "answer") {
        if (choice.do === "refuse") {
          // At once: a refusal that takes its time only puts off the next attempt.
          const requests = candidate.requests.toSpliced(choice.at, 1);
          const made = step(leaderElectionMachine, candidate.snapshot, failures[request.type]!);
          return change(pair, choice.who, after({ ...candidate, requests }, made));
        }
        const { holder, version, ...heard } = serve(pair, choice.who, request);
        const requests = request.orphan
          ? candidate.requests.toSpliced(choice.at, 1)
          : candidate.requests.with(choice.at, { ...request, ...heard });
        return change({ ...pair, holder, version }, choice.who, { ...candidate, requests });
      }
      const requests = candidate.requests.toSpliced(choice.at, 1);
      const informed = { ...candidate, requests, known: request.known ?? candidate.known };
      return change(
        pair,
        choice.who,
        after(informed, step(leaderElectionMachine, candidate.snapshot, request.answer!)),
      );
    },
    key(pair) {
      // Versions are only compared for equality: the current one is 0, others are numbered as they come.
      const names = new Map([[pair.version, 0]]);
      const name = (version: number | undefined) => {
        if (version === undefined || version < 0) return "-";
        if (!names.has(version)) names.set(version, names.size);
        return names.get(version);
      };
      const one = ({ snapshot, known, requests, timers }: Candidate) =>
        [
          stateName(snapshot),
          name(snapshot.context.token === "" ? undefined : Number(snapshot.context.token)),
          name(known),
          ...requests.map((each) =>
            [
              each.type === "takeLease" ? name(each.knew) : "",
              each.type,
              each.age,
              each.orphan,
              each.answer?.type,
              each.answer?.type === "lease.read" ? [each.answer.holder, name(Number(each.answer.token))] : "",
              name(each.known),
            ].join()
          ).sort(),
          ...Object.entries(timers).map(([id, { left }]) => `${id}=${left}`).sort(),
        ].join(";");
      return `${pair.holder}|${pair.candidates.map(one).join("|")}`;
    },
    always: { "at most one leads": ({ candidates }) => candidates.filter(leads).length <= 1 },
    sometimes: {
      "the first leads": ({ candidates }) => leads(candidates[0]!),
      "the second leads": ({ candidates }) => leads(candidates[1]!),
      "a leader gave up and the other took over": ({ candidates, holder }) =>
        holder === 1 && leads(candidates[1]!) && candidates[0]!.snapshot.context.token !== "",
    },
    showChoice: (choice) => {
      if (choice.do === "tick") return "tick";
      return `${choice.do} ${choice.who} ${choice.do === "timer" ? choice.id.split(".")[2] : choice.at}`;
    },
    showState: ({ candidates }) => candidates.map(({ snapshot }) => stateName(snapshot)).join("   "),
  };
}

function leads({ snapshot }: Candidate): boolean {
  return snapshot.matches("leading");
}

export const leaseModels: readonly NamedModel[] = [
  {
    name: "lease/pair",
    about: "two candidates, requests that take less than 5 s, are refused and answered in any order",
    size: "small",
    search() {
      const coverage = new MachineCoverage(leaderElectionMachine);
      const { steps, ...found } = explore(leasePair(1, coverage));
      return { ...found, generated: steps, coverage: [coverage] };
    },
  },
];
