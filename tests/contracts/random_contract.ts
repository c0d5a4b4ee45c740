/** What every Random keeps to. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Random } from "../../ports/random.ts";

export function randomContract(name: string, make: () => Random): void {
  Deno.test(`${name} draws in [0, 1), low and high`, () => {
    const random = make();
    const draws = Array.from({ length: 10_000 }, () => random.next());
    assert(draws.every((draw) => draw >= 0 && draw < 1));
    // Each tenth gets about a thousand; a deviation of 250 is eight times the expected one.
    for (let tenth = 0; tenth < 10; tenth++) {
      const count = draws.filter((draw) => Math.floor(draw * 10) === tenth).length;
      assert(Math.abs(count - 1000) < 250, `${count} of 10000 draws in tenth ${tenth}`);
    }
  });

  Deno.test(`${name} makes version 4 UUIDs that differ`, () => {
    const random = make();
    const uuids = Array.from({ length: 1000 }, () => random.uuid());
    for (const uuid of uuids) {
      assertMatch(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    assertEquals(new Set(uuids).size, uuids.length);
  });

  Deno.test(`${name} gives as many bytes as asked for, of every value`, () => {
    const random = make();
    assertEquals([random.bytes(0).length, random.bytes(33).length], [0, 33]);
    assertEquals(new Set(random.bytes(20_000)).size, 256);
  });
}
