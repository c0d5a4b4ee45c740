/** How many tests passed and failed, from the JUnit report that `deno test` writes. */

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * `report` is undefined when the run died before it wrote one. A run that ended badly counts at least one failure:
 * a module that cannot be loaded is no test, yet nothing passed there.
 */
export function countTests(report: string | undefined, succeeded: boolean): TestCounts {
  const head = /<testsuites\b([^>]*)>/.exec(report ?? "")?.[1];
  if (report === undefined || head === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const failed = numberOf(head, "failures") + numberOf(head, "errors");
  const skipped = [...report.matchAll(/<testsuite\b([^>]*)>/g)].reduce(
    (sum, [, of]) => sum + numberOf(of!, "disabled"),
    0,
  );
  const passed = Math.max(0, numberOf(head, "tests") - failed - skipped);
  return { passed, failed: succeeded ? failed : Math.max(1, failed), skipped };
}

export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

function numberOf(attributes: string, name: string): number {
  const value = new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1];
  if (value === undefined) throw new Error(`Cannot read test report: no "${name}" in <testsuite${attributes}>`);
  return Number(value);
}
