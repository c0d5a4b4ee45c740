import { assertEquals } from "@std/assert";
import { toleratedSeconds, tolerates } from "../../../machines/scheduler/tolerations.ts";

const taint = { key: "k", value: "v", effect: "NoExecute" } as const;
const cases: [name: string, toleration: Parameters<typeof tolerates>[0], tolerated: boolean][] = [
  ["the same key, value and effect", { key: "k", value: "v", effect: "NoExecute" }, true],
  ["any effect", { key: "k", value: "v" }, true],
  ["another effect", { key: "k", value: "v", effect: "NoSchedule" }, false],
  ["another value", { key: "k", value: "w" }, false],
  ["any value of the key", { key: "k", operator: "Exists" }, true],
  ["another key", { key: "l", operator: "Exists" }, false],
  ["everything", { operator: "Exists" }, true],
  ["everything of an effect", { operator: "Exists", effect: "NoSchedule" }, false],
  ["nothing, without key and operator", {}, false],
];
for (const [name, toleration, tolerated] of cases) {
  Deno.test(`tolerates: a toleration of ${name} ${tolerated ? "meets" : "does not meet"} the taint`, () => {
    assertEquals(tolerates(toleration, taint), tolerated);
  });
}

Deno.test("toleratedSeconds is the shortest of all, nothing for a taint that is not tolerated, for ever without limits", () => {
  const other = { key: "o", effect: "NoExecute" } as const;
  const forK = (tolerationSeconds?: number) => ({
    key: "k",
    operator: "Exists" as const,
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  });
  assertEquals(
    toleratedSeconds([forK(30), { operator: "Exists", key: "o", tolerationSeconds: 10 }], [taint, other]),
    10,
  );
  assertEquals(toleratedSeconds([forK(30)], [taint, other]), 0);
  assertEquals(toleratedSeconds([forK()], [taint]), Infinity);
  assertEquals(toleratedSeconds([forK(-5)], [taint]), 0);
});
