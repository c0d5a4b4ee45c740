/** What every Clock keeps to. */
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../ports/clock.ts";

export interface ClockWorld {
  readonly clock: Clock;
  /** Lets this much time pass on the clock, and everything happen that is due by then. */
  pass(milliseconds: number): Promise<void>;
}

export function clockContract(name: string, make: () => ClockWorld): void {
  Deno.test(`${name} never goes back and never wakes early`, async () => {
    const { clock, pass } = make();
    const asked = clock.now();
    const woken: number[] = [];
    for (const delay of [3, 1, 2, 0]) clock.wakeAt(asked + delay, () => woken.push(clock.now() - asked - delay));
    await pass(10);
    assertEquals(woken.length, 4);
    assert(woken.every((late) => late >= 0), `woken early: ${woken}`);
    assert(clock.now() >= asked + 10);
  });

  Deno.test(`${name} wakes in order of time`, async () => {
    const { clock, pass } = make();
    const start = clock.now();
    const woken: string[] = [];
    clock.wakeAt(start + 12, () => woken.push("last"));
    clock.wakeAt(start + 1, () => woken.push("first"));
    clock.wakeAt(start + 6, () => woken.push("second"));
    await pass(20);
    assertEquals(woken, ["first", "second", "last"]);
  });

  Deno.test(`${name} wakes each sleeper once, and nobody who was called off`, async () => {
    const { clock, pass } = make();
    let woken = 0;
    let calledOff = 0;
    const wake = clock.wakeAt(clock.now() + 1, () => woken++);
    clock.wakeAt(clock.now() + 2, () => calledOff++).cancel();
    await pass(5);
    wake.cancel();
    await pass(5);
    assertEquals([woken, calledOff], [1, 0]);
  });

  Deno.test(`${name} wakes for a moment that is past`, async () => {
    const { clock, pass } = make();
    let woken = 0;
    clock.wakeAt(clock.now() - 5, () => woken++);
    await pass(3);
    assertEquals(woken, 1);
  });

  Deno.test(`${name} calls back soon, in order, never at once`, async () => {
    const { clock, pass } = make();
    const called: number[] = [];
    clock.soon(() => {
      called.push(1);
      clock.soon(() => called.push(3));
    });
    clock.soon(() => called.push(2));
    assertEquals(called, []);
    await pass(5);
    assertEquals(called, [1, 2, 3]);
  });

  Deno.test(`${name} tells wall time in whole milliseconds since the epoch`, () => {
    const { clock } = make();
    assert(Number.isInteger(clock.wallTime()));
    assert(clock.wallTime() >= Date.UTC(2020, 0, 1));
  });
}
