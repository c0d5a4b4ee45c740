/**
 * Runs the suites of tests from fast to slow and ends with the line `N passed, N failed`.
 *
 *     deno run -A tools/run_tests.ts [--list] [SUITE ...]
 *
 * Without names, every suite whose needs the machine meets; a suite that is named and cannot run is an error. A run
 * without a single test fails: it proved nothing.
 */
import { addCounts, countTests, type TestCounts } from "./test_counts.ts";
import { testFiles, writeEntries } from "./test_entries.ts";
import { type Suite, suites } from "./test_suites.ts";

const projectRoot = new URL("../", import.meta.url).pathname;

/** The process' exit code. */
export async function runTests(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => !arg.startsWith("-"));
  const unknown = [
    ...names.filter((name) => !suites.some((suite) => suite.name === name)),
    ...args.filter((arg) => arg.startsWith("-") && arg !== "--list"),
  ];
  if (unknown.length > 0) {
    console.error(`Cannot run ${unknown.join(", ")}: the suites are ${suites.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  let counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  const notes: string[] = [];
  for (const suite of suites) {
    if (names.length > 0 && !names.includes(suite.name)) continue;
    const missing = reasonToSkip(suite);
    if (args.includes("--list")) {
      console.log(`${suite.name}: ${missing ?? "can run"}`);
    } else if (missing === undefined) {
      console.log(`\n== ${suite.name} tests`);
      const result = await runSuite(suite);
      notes.push(`${suite.name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
      counts = addCounts(counts, result);
    } else {
      notes.push(`${suite.name}: skipped, ${missing}`);
      if (names.includes(suite.name)) counts = addCounts(counts, { passed: 0, failed: 1, skipped: 0 });
    }
  }
  if (args.includes("--list")) return 0;
  console.log(`\n${notes.join("\n")}`);
  if (counts.passed + counts.failed === 0) console.log("Cannot pass: no test ran");
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

function reasonToSkip(suite: Suite): string | undefined {
  if (!suite.paths.some(exists)) return `there is no ${suite.paths.join(", ")}`;
  for (const need of suite.needs) {
    const missing = need.missing();
    if (missing !== undefined) return missing;
  }
  return undefined;
}

async function runSuite(suite: Suite): Promise<TestCounts> {
  const env: Record<string, string> = {};
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const need of suite.needs) {
      const prepared = await need.prepare?.();
      Object.assign(env, prepared?.env);
      if (prepared?.undo !== undefined) undo.unshift(prepared.undo);
    }
    return await runTestFiles(suite, env);
  } catch (error) {
    // What a suite needs was said to be there: that it is not is a failure, not a reason to skip.
    console.error(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    for (const each of undo) await each();
  }
}

async function runTestFiles(
  { name, paths, ignore = [], flags = [], sharesIsolates = false }: Suite,
  env: Record<string, string>,
): Promise<TestCounts> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-tests-" });
  const report = `${directory}/report.xml`;
  try {
    if (sharesIsolates) await writeEntries(projectRoot, directory, name, testFiles(projectRoot, paths, ignore));
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--allow-all", "--no-check", "--config=deno.json", `--junit-path=${report}`, ...flags],
        ...(!sharesIsolates && ignore.length > 0 ? [`--ignore=${ignore.join(",")}`] : []),
        ...(sharesIsolates ? [directory] : paths),
      ],
      cwd: projectRoot,
      env,
      stdin: "null",
    });
    const { success } = await command.spawn().status;
    return countTests(await textOf(report), success);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Undefined: the run ended before it wrote one. */
async function textOf(report: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(report) || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(projectRoot + path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) Deno.exit(await runTests(Deno.args));
