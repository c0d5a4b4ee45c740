/** What the model of two candidates shows of the time that requests may take. */
import { assertThrows } from "@std/assert";
import { BrokenRule, explore } from "../../machines/check/explore.ts";
import { leaderElectionMachine } from "../../machines/leader_election/leader_election_machine.ts";
import { leasePair } from "../../machines/models/lease_pair.ts";

Deno.test(`${leaderElectionMachine.id}: two candidates could both lead if requests took 5 s`, () => {
  assertThrows(() => explore(leasePair(2)), BrokenRule, 'Broken rule "at most one leads"');
});
