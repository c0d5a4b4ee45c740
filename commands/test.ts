import { runTests } from "../tools/run_tests.ts";

export async function test(suites: readonly string[], options: { fast?: boolean }): Promise<void> {
  Deno.exit(await runTests(options.fast ? ["fast"] : suites));
}
