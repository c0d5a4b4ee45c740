import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { countKeys, plainNumbers } from "../../../http/schema/go_walk.ts";
import { JsonSyntaxError, NumberText, parseJsonExactly, scanJson } from "../../../http/schema/json_text.ts";

Deno.test("parseJsonExactly reads what JSON.parse reads", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assertEquals(plainNumbers(parseJsonExactly(text).value), JSON.parse(text));
  }));
});

Deno.test("scanJson counts every key of any JSON text", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.boolean(), (value, spaced) => {
    const text = JSON.stringify(value, undefined, spaced ? 2 : 0);
    assertEquals(scanJson(text).keys, countKeys(JSON.parse(text)));
  }));
});

Deno.test("scanJson is not misled by what strings contain", () => {
  const tricky = { 'a":"b': 'c\\":{"d":1}', "\\": '\\\\"', "e\\\\": ":", "1.5e3": "x: 1.0" };
  assertEquals(scanJson(JSON.stringify(tricky)), { keys: 4, oddNumbers: false, depth: 1 });
});

for (
  const [text, odd] of [
    [`{"a":15,"b":-3,"c":true,"d":false,"e":null}`, false],
    [`[123456789012345]`, false],
    [`[1.0]`, true],
    [`[1e3]`, true],
    [`[1E3]`, true],
    [`[1234567890123456]`, true],
  ] as const
) {
  Deno.test(`scanJson says of ${text} that its numbers are ${odd ? "odd" : "plain"}`, () => {
    assertEquals(scanJson(text).oddNumbers, odd);
    const numbers = parseJsonExactly(text).value as unknown[];
    assertEquals(Object.values(numbers).some((each) => each instanceof NumberText), odd);
  });
}

Deno.test("parseJsonExactly refuses what JSON.parse refuses", () => {
  const mutilated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", "{", "}", '"', ",", ":", "\\", "x", "1", "\n"));
  fc.assert(fc.property(mutilated, ([text, at, char]) => {
    const position = at % (text.length + 1);
    const changed = text.slice(0, position) + char + text.slice(position + 1);
    let valid = true;
    try {
      JSON.parse(changed);
    } catch {
      valid = false;
    }
    if (valid) parseJsonExactly(changed);
    else assertThrows(() => parseJsonExactly(changed), JsonSyntaxError);
  }));
});

const errors: [text: string, message: string][] = [
  ["", "unexpected end of JSON input"],
  [`{"a"`, "unexpected end of JSON input"],
  [`{"a" 1}`, "invalid character '1' after object key"],
  [`{"a":1 "b"}`, `invalid character '"' after object key:value pair`],
  [`{"a":}`, "invalid character '}' looking for beginning of value"],
  [`{a:1}`, "invalid character 'a' looking for beginning of object key string"],
  [`[1 2]`, "invalid character '2' after array element"],
  [`{} x`, "invalid character 'x' after top-level value"],
  [`tru`, "unexpected end of JSON input"],
  [`trux`, "invalid character 'x' in literal true (expecting 'e')"],
  [`[1.x]`, "invalid character 'x' after decimal point in numeric literal"],
  [`[-x]`, "invalid character 'x' in numeric literal"],
  [`[1ex]`, "invalid character 'x' in exponent of numeric literal"],
  [`["\\x"]`, "invalid character 'x' in string escape code"],
  [`["\\u12x4"]`, "invalid character 'x' in \\u hexadecimal character escape"],
  [`["a\nb"]`, "invalid character '\\n' in string literal"],
];
for (const [text, message] of errors) {
  Deno.test(`the error of ${JSON.stringify(text)} reads as Go's`, () => {
    assertEquals(assertThrows(() => parseJsonExactly(text), JsonSyntaxError).message, message);
  });
}

Deno.test("scanJson knows how deep a text is nested", () => {
  assertEquals(scanJson(`{"a":[{"b":[]}],"c":"[[[[[["}`).depth, 4);
});
