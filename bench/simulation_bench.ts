/**
 * How much faster than real a simulated cluster runs: `deno task bench:simulation`. Invariants are looked at as in any
 * run. Each figure is the best of three, beside the goal.
 */
import { simulate } from "../commands/simulation/simulate.ts";

const masters = Number(Deno.args[0] ?? 3);
const cases = [
  { name: "idle", goal: 1_000, nodes: 10, minutes: 20, workload: false },
  { name: "standard workload", goal: 200, nodes: 10, minutes: 10, workload: true },
];

console.log(`${masters} masters, 10 nodes: simulated seconds per second`);
for (const { name, goal, ...options } of cases) {
  let best = 0;
  for (let round = 0; round < 3; round++) {
    const began = performance.now();
    const { simulatedMs, violation } = await simulate({ ...options, seed: 1, masters, faults: [] });
    if (violation !== undefined) throw new Error(`Cannot measure: ${violation.invariant}: ${violation.message}`);
    best = Math.max(best, simulatedMs / (performance.now() - began));
  }
  console.log(`  ${name.padEnd(20)} ${best.toFixed(0).padStart(6)}  (goal ${goal})`);
}
