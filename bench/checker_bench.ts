/**
 * How fast compositions are checked: an election after Raft's rules of three voters over a network that loses
 * messages, traces kept. Goals: 1,000,000 steps and 200,000 distinct states a second, a million states in less than
 * 10 s and 400 MB.
 */
import { describeCheck } from "../machines/check/check_report.ts";
import { checkSystem } from "../machines/check/check_system.ts";
import { electionModel } from "../tests/models/check_election_model.ts";

const states = Number(Deno.args[0] ?? 1_000_000);
const { model } = electionModel({ voters: 3, maxTerm: 3, states });
const goals = (name: string, value: number, goal: number, met: boolean) =>
  console.log(`checker: ${name} ${value}, goal ${goal}: ${met ? "met" : "MISSED"}`);

const started = performance.now();
const check = checkSystem(model);
const seconds = (performance.now() - started) / 1000;
const memory = Math.round(Deno.memoryUsage().rss / 2 ** 20);
console.log(`checker: ${describeCheck(check).replaceAll("\n", "\nchecker: ")}`);
const generated = Math.round(check.generated / seconds);
const distinct = Math.round(check.states / seconds);
goals("generated/s", generated, 1_000_000, generated >= 1_000_000);
goals("distinct/s", distinct, 200_000, distinct >= 200_000);
goals(`seconds for ${check.states} states`, Number(seconds.toFixed(2)), 10, seconds < 10);
goals("MB resident", memory, 400, memory < 400);
