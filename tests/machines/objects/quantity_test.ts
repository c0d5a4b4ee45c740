import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addQuantities, canonicalQuantity, formatQuantity, parseQuantity } from "../../../machines/objects/quantity.ts";

const forms: [given: string | number, canonical: string][] = [
  ["100m", "100m"],
  ["0.5", "500m"],
  ["1000m", "1"],
  ["1024Ki", "1Mi"],
  ["1.5Gi", "1536Mi"],
  ["0.5Mi", "512Ki"],
  ["1e3", "1e3"],
  ["12E", "9223372036854775807"],
  ["1000Ki", "1000Ki"],
  ["0", "0"],
  ["0Gi", "0"],
  ["-1.5", "-1500m"],
  ["1n", "1n"],
  ["0.1n", "1n"],
  ["1000k", "1M"],
  ["512", "512"],
  [7, "7"],
  ["100Ei", "9223372036854775807"],
  ["nonsense", "nonsense"],
];
for (const [given, canonical] of forms) {
  Deno.test(`canonicalQuantity writes ${given} as ${canonical}`, () => {
    assertEquals(canonicalQuantity(given), canonical);
  });
}

Deno.test("formatQuantity loses nothing of what parseQuantity read", () => {
  fc.assert(fc.property(fc.bigInt(-(10n ** 17n), 10n ** 17n), fc.bigInt(0n, 10n ** 17n), (a, b) => {
    const sum = addQuantities({ nano: a, format: "DecimalSI" }, { nano: b, format: "DecimalSI" });
    assertEquals(parseQuantity(formatQuantity(sum))?.nano, a + b);
  }));
});
