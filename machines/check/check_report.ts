/** What a check found, for people. */
import type { SystemCheck } from "./check_system.ts";

/** Several lines: the verdict, the size of what was seen, and the story of each broken rule. */
export function describeCheck(check: SystemCheck): string {
  const { verdict, reason, states, generated, depth, collisionChance, renamings, megabytes } = check;
  const why = reason === undefined ? "" : ` (${reason})`;
  const symmetry = renamings > 1 ? `, up to ${renamings} renamings` : "";
  const lines = [
    `${verdict}${why}: ${states} states${symmetry}, ${generated} steps, ${depth} deep, ${megabytes} MB`,
    `one machine's steps made: ${check.steps}, local states: ${check.locals}, messages: ${check.messages}`,
    `chance that two states were taken for one: ${collisionChance.toExponential(1)}`,
  ];
  if (check.unreduced === undefined) {
    lines.push(`independent moves were not tried in every order; it began ${check.rounds} times`);
  }
  if (check.unchecked.length > 0) lines.push(`says nothing about: ${check.unchecked.join("; ")}`);
  for (const { kind, rule, moves, story } of check.violations) {
    const steps = moves.length === 0 ? "" : `, ${moves.length} steps`;
    lines.push(`Broken rule "${rule}" (${kind}${steps}):`, story);
  }
  return lines.join("\n");
}
