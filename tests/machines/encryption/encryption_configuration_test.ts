import { assertEquals, assertThrows } from "@std/assert";
import { parseEncryption, prefixOf, ruleFor } from "../../../machines/encryption/encryption_configuration.ts";

const secret = btoa("0123456789abcdef0123456789abcdef");
const key = (name: string) => ({ name, secret });
const document = (...resources: object[]) => ({
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "EncryptionConfiguration",
  resources,
});
const box = (...names: string[]) => ({ secretbox: { keys: names.map(key) } });

Deno.test("parseEncryption writes with the first provider's first key and reads with all", () => {
  const [rule] = parseEncryption(document({
    resources: ["secrets"],
    providers: [{ aescbc: { keys: [key("b"), key("a")] } }, box("old"), { identity: {} }],
  }));
  assertEquals([prefixOf(rule!.writing!), rule!.readsPlain], ["k8s:enc:aescbc:v1:b:", true]);
  assertEquals(rule!.reading.map(prefixOf), [
    "k8s:enc:aescbc:v1:b:",
    "k8s:enc:aescbc:v1:a:",
    "k8s:enc:secretbox:v1:old:",
  ]);
  const [plain] = parseEncryption(document({ resources: ["secrets"], providers: [{ identity: {} }, box("old")] }));
  assertEquals([plain!.writing, plain!.readsPlain, plain!.reading.length], [undefined, true, 1]);
});

Deno.test("ruleFor takes the first rule that names a resource, its group or everything", () => {
  const names = [["secrets"], ["pandas.awesome.bears.example"], ["*.apps"], ["*."], ["*.*"]];
  const rules = parseEncryption(document(...names.map((resources) => ({ resources, providers: [box("k")] }))));
  const found = (group: string, resource: string) => rules.indexOf(ruleFor(rules, group, resource)!);
  assertEquals([
    found("", "secrets"),
    found("awesome.bears.example", "pandas"),
    found("apps", "deployments"),
    found("", "configmaps"),
    found("batch", "jobs"),
  ], [0, 1, 2, 3, 4]);
  assertEquals(ruleFor(rules.slice(0, 1), "", "configmaps"), undefined);
});

const provider = (given: object) => document({ resources: ["secrets"], providers: [given] });
const wrong: [name: string, document: unknown, why: string][] = [
  ["another kind", { apiVersion: "v1", kind: "EncryptionConfiguration" }, 'of "apiserver.config.k8s.io/v1"'],
  ["no resources", document(), "resources: there must be at least one"],
  ["no providers", document({ resources: ["secrets"], providers: [] }), "providers: there must be at least one"],
  ["a resource that is none", document({ resources: ["*"], providers: [box("a")] }), '"*" is no resource'],
  ["a key management service", provider({ kms: { name: "x" } }), "key management services are not supported"],
  ["a provider that is none", provider({ rot13: {} }), "it is none of identity, aescbc, aesgcm, secretbox"],
  ["two providers in one", provider({ identity: {}, ...box("a") }), "a provider is one of them"],
  [
    "a key of the wrong length",
    provider({ secretbox: { keys: [{ name: "a", secret: btoa("short") }] } }),
    "has 5 bytes",
  ],
  ["what is no base64", provider({ aesgcm: { keys: [{ name: "a", secret: "§" }] } }), "it must be the key in base64"],
  ["a key without a name", provider(box("")), "a key has a name"],
  ["a name with a colon", provider(box("a:b")), "without colons"],
  ["a name twice", provider(box("a", "a")), 'two keys of secretbox are named "a"'],
];
for (const [name, given, why] of wrong) {
  Deno.test(`parseEncryption refuses ${name}, and tells no key`, () => {
    const error = assertThrows(() => parseEncryption(given), Error, why) as Error;
    assertEquals(error.message.includes(secret), false);
  });
}
