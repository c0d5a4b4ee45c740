import { assertEquals } from "@std/assert";
import { celEnvironment } from "../../../http/custom_resources/cel/environment.ts";
import { SchemaRules } from "../../../http/custom_resources/cel/rules.ts";
import type { JsonSchema } from "../../../http/custom_resources/json_schema.ts";

const truths = [
  "quantity('2Gi').isGreaterThan(quantity('1'))",
  "quantity('50k').add(20) == quantity('50020')",
  "!isQuantity('1X') && quantity('1500m').asApproximateFloat() == 1.5",
  "[1, 2].isSorted() && ![2, 1].isSorted()",
  "[1, 2].sum() == 3 && [3, 1].min() == 1 && [3, 1].max() == 3",
  "[1, 2, 1].lastIndexOf(1) == 2 && [1, 2].indexOf(5) == -1",
  "sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && !sets.equivalent([1], [2])",
  "ip('10.0.0.1').family() == 4 && ip('::1').isLoopback() && !isIP('10.0.0')",
  "ip.isCanonical('::1') && !ip.isCanonical('0::1')",
  "cidr('10.0.0.0/8').containsIP('10.2.3.4') && !cidr('10.0.0.0/8').containsCIDR('11.0.0.0/9')",
  "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
  "string(cidr('fd00::1/64').masked()) == 'fd00::/64'",
  "url('https://a.b:8443/x?q=1').getPort() == '8443' && url('/p').getEscapedPath() == '/p'",
  "format.dns1123Label().validate('A').hasValue() && !format.uuid().validate('x').hasValue() == false",
  "'%s-%d'.format(['a', 1]) == 'a-1' && 'a-b'.replace('-', '_') == 'a_b'",
  "'aabb'.findAll('a+') == ['aa'] && 'abc'.charAt(1) == 'b' && ' a '.trim() == 'a'",
  "semver('1.2.3').isLessThan(semver('1.3.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
];
for (const expression of truths) {
  Deno.test(`CEL as Kubernetes has it: ${expression}`, () => {
    assertEquals(celEnvironment().evaluate(expression), true);
  });
}

const spec = {
  type: "object",
  properties: {
    size: { type: "integer" },
    color: { type: "string" },
    when: { type: "string", format: "date-time" },
    every: { type: "string", format: "duration" },
    "a-b": { type: "integer" },
    port: { "x-kubernetes-int-or-string": true },
    counts: { type: "object", additionalProperties: { type: "integer" } },
    items: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" }, v: { type: "integer" } } },
    },
  },
} as const;

const rows: { rule: object; value: object; old?: object; says: string[] }[] = [
  { rule: { rule: "self.size > 2" }, value: { size: 3 }, says: [] },
  { rule: { rule: "self.size > 2" }, value: { size: 1 }, says: ["spec: Invalid value: failed rule: self.size > 2"] },
  {
    rule: { rule: "self.size > 2", messageExpression: "'is ' + string(self.size)", message: "unused" },
    value: { size: 1 },
    says: ["spec: Invalid value: is 1"],
  },
  {
    rule: { rule: "self.size >= oldSelf.size", fieldPath: ".size", reason: "FieldValueForbidden", message: "shrinks" },
    value: { size: 1 },
    old: { size: 2 },
    says: ["spec.size: Forbidden: shrinks"],
  },
  { rule: { rule: "self.size >= oldSelf.size" }, value: { size: 1 }, says: [] },
  {
    rule: { rule: "oldSelf.hasValue() || self.size == 1", optionalOldSelf: true, message: "begins with 1" },
    value: { size: 2 },
    says: ["spec: Invalid value: begins with 1"],
  },
  {
    rule: { rule: "self.when > timestamp('2020-01-01T00:00:00Z')" },
    value: { when: "2021-01-01T00:00:00Z" },
    says: [],
  },
  { rule: { rule: "self.every <= duration('1h')" }, value: { every: "30m" }, says: [] },
  { rule: { rule: "self.a__dash__b == 4" }, value: { "a-b": 4 }, says: [] },
  { rule: { rule: "type(self.port) == int ? self.port > 0 : self.port == 'http'" }, value: { port: "http" }, says: [] },
  {
    rule: { rule: "self.counts.all(k, self.counts[k] > 0)", message: "m" },
    value: { counts: { a: 0 } },
    says: [
      "spec: Invalid value: m",
    ],
  },
  {
    rule: { rule: "self.color == 'red'", message: "m" },
    value: {},
    says: ["spec: Invalid value: rule evaluation error: No such key: color, evaluating rule: m"],
  },
];
for (const { rule, value, old, says } of rows) {
  Deno.test(`a rule ${JSON.stringify(rule)} of ${JSON.stringify(value)} says ${says.join() || "nothing"}`, () => {
    const schema = { type: "object", properties: { spec: { ...spec, "x-kubernetes-validations": [rule] } } };
    const rules = new SchemaRules(schema as unknown as JsonSchema);
    assertEquals(rules.errors, []);
    const found = rules.validate({ spec: value }, old === undefined ? undefined : { spec: old });
    assertEquals(found.map(({ field, message }) => `${field}: ${message}`), says);
  });
}

Deno.test("a rule of a list's element is asked against the element with the same keys before", () => {
  const items = {
    ...spec.properties.items,
    items: {
      ...spec.properties.items.items,
      "x-kubernetes-validations": [{ rule: "self.v >= oldSelf.v", message: "m" }],
    },
  };
  const rules = new SchemaRules({ type: "object", properties: { items } } as unknown as JsonSchema);
  const found = rules.validate({ items: [{ k: "new", v: 0 }, { k: "a", v: 1 }] }, { items: [{ k: "a", v: 2 }] });
  assertEquals(found.map(({ field }) => field), ["items[1]"]);
});

const unsound: { rule: string; says: string }[] = [
  { rule: "self + 1 == 2", says: "found no matching overload for '_+_' applied to '(string, int)'" },
  { rule: "self.size()", says: "must evaluate to bool" },
  { rule: "x == 1", says: "undeclared reference to 'x' (in container '')" },
];
for (const { rule, says } of unsound) {
  Deno.test(`the rule "${rule}" of a text is refused: ${says}`, () => {
    const schema = { type: "string", "x-kubernetes-validations": [{ rule }] } as const;
    const [error] = new SchemaRules({ type: "object", properties: { a: schema } }).errors;
    assertEquals(error!.text.split("\n", 1).join().replace(/^ERROR: <input>:\d+:\d+: /, ""), says);
  });
}

const endless = "no further validation rules will be run";

/** What a list's rules and those of its elements say. */
function judged(list: readonly unknown[], { items, rules }: { items: object; rules: object[] }): string[] {
  const schema = { type: "object", properties: { list: { type: "array", items, "x-kubernetes-validations": rules } } };
  const found = new SchemaRules(schema as JsonSchema).validate({ list }, undefined);
  return found.map(({ field, message }) => `${field}: ${message}`);
}

Deno.test("a rule that costs too much ends the validation, and says so", () => {
  const rules = [
    { rule: "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))", message: "mine" },
    { rule: "false", message: "never asked" },
  ];
  assertEquals(judged(Array.from({ length: 1_000 }, (_, index) => index), { items: { type: "integer" }, rules }), [
    `list: Invalid value: 'operation cancelled: actual cost limit exceeded': ${endless} ` +
    "due to call cost exceeds limit for rule: mine",
  ]);
});

Deno.test("rules that each cost little end the validation once together they cost too much", () => {
  // A comparison of two long texts costs a tenth for each of their letters.
  const long = "x".repeat(1_000_000);
  const items = { type: "string", "x-kubernetes-validations": [{ rule: "self == self" }] };
  const said = judged(Array.from({ length: 100 }, () => long), { items, rules: [{ rule: "false", message: "first" }] });
  assertEquals(said, [
    "list: Invalid value: first",
    `list[49]: Invalid value: validation failed due to running out of cost budget, ${endless}`,
  ]);
});
