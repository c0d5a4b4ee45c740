import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AddressPool } from "../../../machines/network/address_pool.ts";
import { inCidr } from "../../../machines/network/cidr.ts";

Deno.test("AddressPool gives each owner one address of the range that nobody else has, and frees it for others", () => {
  const action = fc.tuple(fc.constantFrom("allocate", "release"), fc.integer({ min: 0, max: 20 }).map(String));
  fc.assert(fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
    const pool = new AddressPool("10.9.8.0/28");
    const owned = new Map<string, string>();
    for (const [what, owner] of actions) {
      if (what === "release") {
        assertEquals(pool.release(owner), owned.delete(owner));
        continue;
      }
      if (!owned.has(owner) && owned.size === 13) {
        assertThrows(() => pool.allocate(owner), Error, "all 13 of 10.9.8.0/28 are given out");
        continue;
      }
      const address = pool.allocate(owner);
      assert(inCidr("10.9.8.0/28", address) && !/\.(0|1|15)$/.test(address));
      assertEquals(address, owned.get(owner) ?? address);
      owned.set(owner, address);
      assertEquals(new Set(owned.values()).size, owned.size);
    }
    assertEquals(new Map(pool.entries()), owned);
  }));
});

Deno.test("AddressPool gives a freed address out again only after all others", () => {
  const pool = new AddressPool("10.9.8.0/29");
  const first = pool.allocate("a");
  pool.release("a");
  const others = ["b", "c", "d", "e"].map((owner) => pool.allocate(owner));
  assert(!others.includes(first));
  assertEquals(pool.allocate("f"), first);
});

Deno.test("AddressPool adopts what owners have and refuses what is another's or outside", () => {
  const pool = new AddressPool("10.9.8.0/29");
  pool.adopt("a", "10.9.8.3");
  pool.adopt("a", "10.9.8.3");
  assertEquals(pool.addressOf("a"), "10.9.8.3");
  assertEquals(pool.ownerOf("10.9.8.3"), "a");
  assertThrows(() => pool.adopt("b", "10.9.8.3"), Error, 'it belongs to "a"');
  assertThrows(() => pool.adopt("b", "10.9.8.1"), Error, "not one of 10.9.8.0/29");
  pool.adopt("a", "10.9.8.4");
  assertEquals([pool.size, pool.ownerOf("10.9.8.3")], [1, undefined]);
});
