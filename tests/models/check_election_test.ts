import { assert, assertEquals } from "@std/assert";
import { describeCheck } from "../../machines/check/check_report.ts";
import { checkSystem } from "../../machines/check/check_system.ts";
import { electionModel, type VoterFaults } from "./check_election_model.ts";

const names = ["v1", "v2", "v3"];

Deno.test("checkSystem: at most one voter leads in a term, whatever is lost and whoever crashes once", () => {
  const check = checkSystem(electionModel({ voters: 3, maxTerm: 1, crashes: 1 }).model);
  assertEquals([check.verdict, check.states], ["complete", 4_051], describeCheck(check));
});

Deno.test("checkSystem: two terms of three voters are explored completely, with every edge but one", () => {
  const check = checkSystem(electionModel({ voters: 3, maxTerm: 2 }).model);
  assertEquals([check.verdict, check.states], ["complete", 124_461], describeCheck(check));
  // Of three voters the first vote from another makes a majority.
  assertEquals(check.uncovered, [
    "voter: edge never taken: candidate --vote.granted [isMine]--> (stays)",
    'voter: guard "isMine" never passes',
  ]);
});

Deno.test("checkSystem: five voters need the edge that three do not", () => {
  const { model } = electionModel({ voters: 5, maxTerm: 1, losses: 0, states: 30_000 });
  const check = checkSystem(model);
  assert(!check.uncovered.some((line) => line.includes("vote.granted [isMine]")), check.uncovered.join("\n"));
});

const mutants: { name: string; faults: VoterFaults; steps: number }[] = [
  { name: "forgets its vote in a crash", faults: { forgets: true }, steps: 9 },
  { name: "votes for everybody", faults: { votesTwice: true }, steps: 7 },
];
for (const { name, faults, steps } of mutants) {
  Deno.test(`checkSystem catches a voter that ${name}, with symmetry as without`, () => {
    const { model } = electionModel({ voters: 3, maxTerm: 1, crashes: 1, ...faults });
    for (const symmetry of [undefined, [names]]) {
      const check = checkSystem(symmetry === undefined ? model : { ...model, symmetry });
      assertEquals([check.verdict, check.violations[0]?.moves.length], ["violated", steps], describeCheck(check));
    }
  });
}

Deno.test("checkSystem: like voters need a sixth of the states, and not fewer", () => {
  const { model } = electionModel({ voters: 3, maxTerm: 1, crashes: 1 });
  const reduced = checkSystem({ ...model, symmetry: [names] });
  assertEquals([reduced.verdict, reduced.renamings], ["complete", 6], describeCheck(reduced));
  assert(reduced.states >= 4_051 / 6 && reduced.states < 4_051 / 5, `${reduced.states} orbits`);
});

Deno.test("checkSystem: an election may split its votes for as long as the model lasts", () => {
  const { model, voters } = electionModel({ voters: 3, maxTerm: 1, losses: 0 });
  const check = checkSystem({
    ...model,
    fairness: { weak: ["deliver", "timer"] },
    eventually: { "one leads": (state) => voters.some((voter) => state.of(voter).view > 0) },
  });
  assertEquals([check.verdict, check.violations[0]?.cycle], ["violated", []], describeCheck(check));
  // Everybody stood for election before anybody was heard, and all requests came in vain.
  assertEquals(check.violations[0]!.moves.filter((move) => move.do === "timer").length, 3);
});

// Half a minute of it: `deno task check:all` asks for it.
if (Deno.env.get("CHARTROOM_CHECK") === "all") {
  Deno.test("checkSystem: ten million states of an election in three terms", () => {
    const check = checkSystem(electionModel({ voters: 3, maxTerm: 3, states: 10_000_000 }).model);
    console.log(describeCheck(check));
    assertEquals([check.verdict, check.violations], ["incomplete", []]);
    assert(check.megabytes < 1500, `${check.megabytes} MB`);
  });
}
