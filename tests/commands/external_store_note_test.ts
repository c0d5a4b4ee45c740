import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseStoreUrl, withoutStoreOptions } from "../../commands/external_store_note.ts";

const urls: { url: string; endpoints: string[]; prefix?: string }[] = [
  { url: "etcd://one:2379", endpoints: ["one:2379"] },
  { url: "etcd://one:2379,10.0.0.2:2379,[::1]:2379", endpoints: ["one:2379", "10.0.0.2:2379", "[::1]:2379"] },
  { url: "etcd://one:2379/", endpoints: ["one:2379"] },
  { url: "etcd://one:2379/k8s/a/", endpoints: ["one:2379"], prefix: "/k8s/a" },
];

for (const { url, ...parsed } of urls) {
  Deno.test(`parseStoreUrl understands ${url}`, () => assertEquals(parseStoreUrl(url), parsed));
}

const refusals: { url: string; why: RegExp }[] = [
  { url: "one:2379", why: /^Cannot use --store one:2379: it must be etcd:\/\/host:port/ },
  { url: "etcd://one", why: /"one" is not host:port/ },
  { url: "etcd://one:2379,", why: /"" is not host:port/ },
  { url: "etcd://one:2379/a//b", why: /a prefix has letters/ },
  { url: "etcd://me:word@one:2379", why: /everybody on this host could read a password/ },
];

for (const { url, why } of refusals) {
  Deno.test(`parseStoreUrl refuses ${url}`, () => {
    assertMatch(assertThrows(() => parseStoreUrl(url), Error).message, why);
  });
}

Deno.test("withoutStoreOptions leaves out what is noted, with its values, and nothing else", () => {
  const args = ["up", "--store", "etcd://h:1", "--masters", "3", "--store-ca=/a", "--store-key", "/k", "--state", "/s"];
  assertEquals(withoutStoreOptions(args), ["up", "--masters", "3", "--state", "/s"]);
});
