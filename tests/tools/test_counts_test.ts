import { assertEquals, assertThrows } from "@std/assert";
import { countTests, type TestCounts } from "../../tools/test_counts.ts";

const report = (tests: number, failures: number, errors: number, disabled: number) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="${tests}" failures="${failures}" errors="${errors}" time="0.012">
    <testsuite name="./a_test.ts" tests="1" disabled="${disabled}" errors="0" failures="0"></testsuite>
    <testsuite name="./b_test.ts" tests="1" disabled="0" errors="0" failures="0"></testsuite>
</testsuites>`;

const cases: { name: string; report: string | undefined; succeeded: boolean; counts: TestCounts }[] = [
  {
    name: "counts what passed",
    report: report(18, 0, 0, 0),
    succeeded: true,
    counts: { passed: 18, failed: 0, skipped: 0 },
  },
  {
    name: "counts failures and errors",
    report: report(18, 2, 1, 0),
    succeeded: false,
    counts: { passed: 15, failed: 3, skipped: 0 },
  },
  {
    name: "counts a skipped test as neither",
    report: report(18, 0, 0, 4),
    succeeded: true,
    counts: { passed: 14, failed: 0, skipped: 4 },
  },
  {
    name: "counts a module that cannot be loaded as a failure",
    report: report(18, 0, 0, 0),
    succeeded: false,
    counts: { passed: 18, failed: 1, skipped: 0 },
  },
  {
    name: "counts a run that died as a failure",
    report: undefined,
    succeeded: false,
    counts: { passed: 0, failed: 1, skipped: 0 },
  },
  {
    name: "counts a run without a report as a failure",
    report: "",
    succeeded: true,
    counts: { passed: 0, failed: 1, skipped: 0 },
  },
];
for (const { name, report, succeeded, counts } of cases) {
  Deno.test(`countTests ${name}`, () => assertEquals(countTests(report, succeeded), counts));
}

Deno.test("countTests refuses a report it does not understand", () => {
  assertThrows(() => countTests("<testsuites name='x'>", true), Error, 'Cannot read test report: no "failures"');
});
