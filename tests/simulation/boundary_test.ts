/** Nothing of the world decides what happens in a simulation: its files reach no clock, chance, socket or timer. */
import { assertEquals } from "@std/assert";
import { sourceFiles } from "../house/source_files.ts";

const world = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bMath\.random\b/,
  /\bperformance\.now\b/,
  /\bcrypto\.(subtle|getRandomValues|randomUUID)\b/,
  /\bset(Timeout|Interval|Immediate)\(/,
  /\bDeno\./,
  /\bfetch\(/,
  /\breal(Clock|Random|Disk|NodeFiles)\b/,
  /"node:(?!crypto")/,
  /\bimport\(/,
];

/** The one turn of the event loop that a moment takes. */
const turn = "actors/simulated/simulated_clock.ts";

Deno.test("simulation reaches the world nowhere", () => {
  const files = sourceFiles(".ts").filter(({ path }) =>
    path.startsWith("commands/simulation/") || (path.startsWith("actors/simulated/") && path !== turn)
  );
  assertEquals(files.length > 25, true);
  const wrong = files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      world.filter((pattern) => pattern.test(line)).map((pattern) => `${path}:${index + 1} reaches ${pattern.source}`)
    )
  );
  assertEquals(wrong, []);
});
