/** A seed is a run: the same to the byte, again in this process and in another. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { faultKinds } from "../../../commands/simulation/schedule.ts";
import { simulate, type SimulationResult } from "../../../commands/simulation/simulate.ts";

const options = { nodes: 2, masters: 1, minutes: 1, faults: faultKinds };
const told = ({ digest, transitions, requests, simulatedMs }: SimulationResult) => ({
  digest,
  transitions,
  requests,
  simulatedMs,
});

Deno.test("simulation of a seed is the same to the byte when it is run again", async () => {
  for (const [seed, masters] of [[11, 1], [12, 3]] as const) {
    let text = "";
    const first = await simulate({ ...options, seed, masters, trace: (line) => text += line });
    let again = "";
    const second = await simulate({ ...options, seed, masters, trace: (line) => again += line });
    assert(text.length > 10_000);
    assert(text === again, `seed ${seed}: the traces differ`);
    assertEquals(told(second), told(first));
  }
});

Deno.test("simulation of different seeds is different", async () => {
  const one = await simulate({ ...options, seed: 33 });
  const other = await simulate({ ...options, seed: 22 });
  assertNotEquals(other.digest, one.digest);
});

Deno.test("simulation of a seed is the same to the byte in another process", async () => {
  const here = await simulate({ ...options, seed: 31 });
  const code = `
    const { simulate } = await import(${
    JSON.stringify(import.meta.resolve("../../../commands/simulation/simulate.ts"))
  });
    const { faultKinds } = await import(${
    JSON.stringify(import.meta.resolve("../../../commands/simulation/schedule.ts"))
  });
    const result = await simulate({ nodes: 2, masters: 1, minutes: 1, faults: faultKinds, seed: 31 });
    console.log(result.digest);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    cwd: new URL("../../../", import.meta.url).pathname,
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), here.digest, new TextDecoder().decode(stderr));
});
