import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { append, logOf } from "../../../machines/raft/log.ts";
import {
  changeMembers,
  type ChangeSituation,
  type MembershipChange,
  voterDifference,
} from "../../../machines/raft/membership.ts";
import { accepted, newProgress, toReplicate } from "../../../machines/raft/progress.ts";

const limits = { learners: 1, lag: 2 };
const nobody = { index: 0, term: 0, configuration: { voters: [], learners: [] } };
const first = { voters: ["a", "b"], learners: ["l"] };
const log = logOf(nobody, [
  { index: 1, term: 1, size: 1, configuration: first },
  { index: 2, term: 2, size: 0, configuration: null },
]);
const situation: ChangeSituation = { log, commit: 2, term: 2, progress: {} };
const caughtUp = { ...situation, progress: { l: toReplicate(accepted(newProgress(2), 1)) } };

const rows: { name: string; change: MembershipChange; in?: ChangeSituation; answer: unknown }[] = [
  {
    name: "takes a learner out of turn for none",
    change: { type: "addLearner", member: "m" },
    answer: { refusal: "tooManyLearners" },
  },
  { name: "knows its members", change: { type: "addLearner", member: "a" }, answer: { refusal: "isMember" } },
  {
    name: "promotes a learner that has caught up",
    change: { type: "promoteLearner", member: "l" },
    in: caughtUp,
    answer: { configuration: { voters: ["a", "b", "l"], learners: [] } },
  },
  {
    name: "keeps a learner that has not",
    change: { type: "promoteLearner", member: "l" },
    answer: { refusal: "notCaughtUp" },
  },
  {
    name: "promotes learners only",
    change: { type: "promoteLearner", member: "b" },
    answer: { refusal: "isNoLearner" },
  },
  {
    name: "removes a voter",
    change: { type: "removeMember", member: "b" },
    answer: { configuration: { voters: ["a"], learners: ["l"] } },
  },
  { name: "removes members only", change: { type: "removeMember", member: "x" }, answer: { refusal: "isNoMember" } },
  {
    name: "waits for the change before",
    change: { type: "removeMember", member: "b" },
    in: { ...situation, commit: 0 },
    answer: { refusal: "changeUnderWay" },
  },
  {
    name: "waits for a commit of the leader's term",
    change: { type: "removeMember", member: "b" },
    in: { ...situation, commit: 1 },
    answer: { refusal: "noCommitInTerm" },
  },
  {
    name: "keeps the last voter",
    change: { type: "removeMember", member: "a" },
    in: {
      ...situation,
      log: append(log, [{ index: 3, term: 2, size: 1, configuration: { voters: ["a"], learners: [] } }]),
      commit: 3,
    },
    answer: { refusal: "lastVoter" },
  },
];

for (const { name, change, in: given = situation, answer } of rows) {
  Deno.test(`changeMembers ${name}`, () => assertEquals(changeMembers(given, change, limits), answer));
}

Deno.test("changeMembers never changes more than one voter", () => {
  const type = fc.constantFrom("addLearner" as const, "promoteLearner" as const, "removeMember" as const);
  const members = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 });
  fc.assert(fc.property(members, fc.nat(5), type, fc.constantFrom("a", "b", "c", "d", "e"), (all, at, type, member) => {
    const configuration = { voters: all.slice(0, at + 1).sort(), learners: all.slice(at + 1).sort() };
    const log = logOf(nobody, [{ index: 1, term: 1, size: 1, configuration }]);
    const progress = { [member]: toReplicate(accepted(newProgress(1), 1)) };
    const checked = changeMembers({ log, commit: 1, term: 1, progress }, { type, member }, limits);
    if ("configuration" in checked) assertEquals(voterDifference(configuration, checked.configuration) <= 1, true);
  }));
});
