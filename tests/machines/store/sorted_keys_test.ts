import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareKeys } from "../../../machines/store/key_order.ts";
import { RangeIndex } from "../../../machines/store/range_index.ts";
import { SortedKeys } from "../../../machines/store/sorted_keys.ts";
import { byBytes, within } from "./store_model.ts";

const anyKey = fc.string({ unit: "binary", maxLength: 6 });
const fewKeys = fc.nat({ max: 400 }).map((n) => `k${n}`);

Deno.test("compareKeys orders as the UTF-8 bytes do", () => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      assertEquals(Math.sign(compareKeys(a, b)), Math.sign(byBytes(a, b)));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("SortedKeys does what a sorted array does", () => {
  const operation = fc.record({ key: fewKeys, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 1_500, size: "max" }), fewKeys, fewKeys, (operations, from, to) => {
      const tree = new SortedKeys<number>();
      const plain = new Map<string, number>();
      for (const [at, { key, remove }] of operations.entries()) {
        if (remove) assertEquals(tree.delete(key), plain.delete(key));
        else {
          tree.set(key, at);
          plain.set(key, at);
        }
      }
      const sorted = [...plain].sort(([a], [b]) => compareKeys(a, b));
      assertEquals(tree.size, plain.size);
      assertEquals(scanned(tree, "", undefined), sorted);
      assertEquals(scanned(tree, from, to), sorted.filter(([key]) => within(key, from, to)));
      for (const { key } of operations.slice(0, 20)) assertEquals(tree.get(key), plain.get(key));
    }),
    { numRuns: 60 },
  );
});

Deno.test("SortedKeys holds keys that come in rising and falling order, and goes back to nothing", () => {
  for (const direction of [1, -1]) {
    const tree = new SortedKeys<number>();
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${String(direction * i + 50_000)}`);
    for (const [at, key] of keys.entries()) tree.set(key, at);
    assertEquals(scanned(tree, "", undefined).map(([key]) => key), [...keys].sort());
    let visited = 0;
    tree.scan("", undefined, () => ++visited < 7);
    assertEquals(visited, 7);
    for (const key of keys) assert(tree.delete(key));
    assertEquals([tree.size, scanned(tree, "", undefined)], [0, []]);
    tree.set("again", 1);
    assertEquals(scanned(tree, "", undefined), [["again", 1]]);
  }
});

function scanned(tree: SortedKeys<number>, from: string, to: string | undefined): [string, number][] {
  const found: [string, number][] = [];
  tree.scan(from, to, (value, key) => void found.push([key, value]));
  return found;
}

Deno.test("RangeIndex finds every range that holds a key, and no other", () => {
  const range = fc.record({ key: fewKeys, end: fc.oneof(fewKeys, fc.constant("\0")) }, { requiredKeys: ["key"] });
  const operation = fc.record({ range, remove: fc.option(fc.nat()) });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300, size: "max" }), fc.array(fewKeys), (operations, keys) => {
      const index = new RangeIndex<{ key: string; end?: string }>();
      const all: { key: string; end?: string }[] = [];
      for (const { range, remove } of operations) {
        if (remove === null || all.length === 0) {
          const item = { ...range };
          index.add(item);
          all.push(item);
        } else {
          const [gone] = all.splice(remove % all.length, 1);
          index.delete(gone!);
        }
      }
      for (const key of keys) {
        const found = new Set<unknown>();
        index.matches(key, (item) => {
          assert(!found.has(item), "found twice");
          found.add(item);
        });
        assertEquals(found, new Set(all.filter((item) => within(key, item.key, item.end))));
      }
    }),
    { numRuns: 150 },
  );
});
