import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { redact } from "../../../actors/inspection/redaction.ts";
import { redacted } from "../../../ports/inspection.ts";

const planted = "s3cr3t-planted-value";

const cases: readonly [name: string, value: unknown, told: unknown][] = [
  ["a Secret is named, not copied", {
    object: { kind: "Secret", metadata: { name: "s", namespace: "d", resourceVersion: "7" }, data: { a: planted } },
  }, { object: { object: "Secret d/s", resourceVersion: "7" } }],
  ["an object without a kind is named too", { metadata: { name: "s", namespace: "d" }, stringData: { a: planted } }, {
    object: "d/s",
  }],
  ["environment values of a container are left out", { env: [{ name: "A", value: planted }] }, {
    env: [{ name: "A", value: redacted }],
  }],
  ["environment in Docker's form is left out", { Env: [`A=${planted}`, "B"] }, { Env: [`A=${redacted}`, "B"] }],
  ["environment as a map is left out", { env: { A: planted } }, { env: { A: redacted } }],
  ["fields that are named so are left out, whatever they hold", { data: { a: [planted] }, dbPassword: planted }, {
    data: redacted,
    dbPassword: redacted,
  }],
  ["a field that only says where a secret is stays", { secretName: "tls", tokenName: "t" }, {
    secretName: "tls",
    tokenName: "t",
  }],
  ["the key of a work queue stays", { key: "default/web-0" }, { key: "default/web-0" }],
  ["a key that is no object's is left out", { key: "MIIEvQIBADANBgkq+/==" }, { key: redacted }],
  ["a web token is left out wherever it stands", { message: "got eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.x" }, {
    message: redacted,
  }],
  ["a private key is left out wherever it stands", ["-----BEGIN EC PRIVATE KEY-----\nabc"], [redacted]],
  ["a URL's password is left out", { url: `https://me:${planted}@host/` }, { url: redacted }],
  ["bytes are counted, not told", { value: new TextEncoder().encode(planted) }, { value: "(20 bytes)" }],
  ["what is not JSON is left out", { a: undefined, b: () => 1, c: NaN }, { c: "NaN" }],
];

for (const [name, value, told] of cases) {
  Deno.test(`redact: ${name}`, () => {
    assertEquals(redact(value), told as never);
  });
}

Deno.test("redact keeps any value to a bounded size", () => {
  fc.assert(fc.property(fc.array(fc.anything({ maxDepth: 6 }), { maxLength: 200 }), (value) => {
    assert(JSON.stringify(redact(value)).length < 400 * 700);
  }));
  const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, "x".repeat(10_000)]));
  assert(JSON.stringify(redact(wide)).length < 50 * 700);
  const deep = Array.from({ length: 100 }).reduce((inner) => ({ inner }), {});
  assert(JSON.stringify(redact(deep)).length < 500);
});
