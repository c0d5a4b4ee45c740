import { assertEquals, assertThrows } from "@std/assert";
import { parseYaml, YamlError } from "../../../http/schema/yaml_text.ts";

const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: v\n`).join("");
const aliases = (depth: number) =>
  Array.from({ length: depth }, (_, level) => {
    const items = Array.from({ length: 9 }, () => level === 0 ? "x" : `*a${level - 1}`);
    return `a${level}: &a${level} [${items.join(", ")}]\n`;
  }).join("");

/** Texts of a few bytes to 3 MB that would hold up the server for minutes, or fill its memory. */
const excessive: { title: string; text: string; says: string }[] = [
  { title: "aliases of aliases", text: aliases(9), says: "Excessive alias count" },
  { title: "an alias of what it stands in", text: "x: &x\n  <<: *x\n", says: "Excessive alias count" },
  { title: "deep brackets", text: `a: ${"[".repeat(2_900_000)}`, says: "exceeded max depth" },
  { title: "deep items", text: `${"- ".repeat(1_000_000)}a`, says: "exceeded max depth" },
  { title: "deep keys", text: `${"? ".repeat(1_000_000)}a`, says: "exceeded max depth" },
  { title: "too many keys", text: keys(250_000), says: "more than 200000 tokens" },
  { title: "too many aliases", text: `a: &a x\nb: [${"*a,".repeat(500_000)}*a]`, says: "more than 200000 tokens" },
];
for (const { title, text, says } of excessive) {
  Deno.test(`parseYaml refuses ${title}`, () => {
    assertThrows(() => parseYaml(text), YamlError, says);
  });
}

Deno.test("parseYaml reads thousands of keys and long texts", () => {
  assertEquals(Object.keys(parseYaml(keys(5_000)).value as object).length, 5_000);
  const long = "some text: of [x,\n".repeat(50_000);
  assertEquals(parseYaml(`a: |\n${long.replaceAll(/^(?=.)/gm, "  ")}`).value, { a: long });
});

Deno.test("parseYaml tells every key that is set twice, and where", () => {
  assertEquals(parseYaml("a: 1\nb: {c: 1, c: 2}\na: 3\n"), {
    value: { a: 3, b: { c: 2 } },
    strictErrors: [
      'yaml: unmarshal errors:\n  line 2: key "c" already set in map\n  line 3: key "a" already set in map',
    ],
  });
});
