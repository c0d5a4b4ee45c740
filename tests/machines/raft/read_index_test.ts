import { assertEquals } from "@std/assert";
import {
  addRead,
  answerRound,
  confirmedRound,
  noReads,
  openRequests,
  startRound,
} from "../../../machines/raft/read_index.ts";

const voters = ["a", "b", "c"];
const request = (...ids: number[]) => ({ from: "a", ids });

Deno.test("a round serves all reads that waited, when a majority has answered it", () => {
  const started = startRound(addRead(addRead(noReads, request(1)), request(2)), 7, "a");
  assertEquals(confirmedRound(started, voters), undefined);
  const round = confirmedRound(answerRound(started, 1, "b"), voters);
  assertEquals([round?.index, round?.requests], [7, [request(1), request(2)]]);
});

Deno.test("reads that come during a round wait for the next", () => {
  const busy = addRead(startRound(addRead(noReads, request(1)), 7, "a"), request(2));
  assertEquals(startRound(busy, 9, "a"), busy);
  assertEquals(openRequests(busy), [request(1), request(2)]);
  const next = startRound({ ...busy, confirming: null }, 9, "a");
  assertEquals([next.round, next.confirming?.index, next.waiting], [2, 9, []]);
});

Deno.test("an answer to an earlier round confirms nothing", () => {
  const first = startRound(addRead(noReads, request(1)), 7, "a");
  const second = startRound(addRead({ ...first, confirming: null }, request(2)), 8, "a");
  assertEquals(answerRound(second, 1, "b"), second);
});

Deno.test("a learner's answer is no vote, and a single voter needs none", () => {
  const started = startRound(addRead(noReads, request(1)), 7, "a");
  assertEquals(confirmedRound(answerRound(started, 1, "d"), voters), undefined);
  assertEquals(confirmedRound(started, ["a"])?.index, 7);
});
