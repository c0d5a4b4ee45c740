import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  accepted,
  isFull,
  isPaused,
  newProgress,
  type Progress,
  refused,
  seen,
  sent,
  toProbe,
  toReplicate,
  toSnapshot,
} from "../../../machines/raft/progress.ts";

const window = { messages: 2, bytes: 100 };
const replicating = toReplicate(accepted(newProgress(5), 3));

Deno.test("a probe sends one message and waits", () => {
  const probe = newProgress(5);
  assertEquals([probe.next, isPaused(probe, window)], [6, false]);
  const waiting = sent(probe, 1, 10);
  assertEquals([waiting.next, isPaused(waiting, window)], [6, true]);
  assertEquals(isPaused(seen(waiting), window), false);
});

Deno.test("who replicates is sent on until the window is full of messages or bytes", () => {
  const one = sent(replicating, 2, 10);
  assertEquals([one.next, isPaused(one, window)], [6, false]);
  assertEquals(isPaused(sent(one, 1, 10), window), true);
  assertEquals(isPaused(sent(replicating, 1, 100), window), true);
  assertEquals(isPaused(accepted(sent(one, 1, 10), 5), window), false);
  assertEquals(sent(replicating, 0, 0), replicating);
});

Deno.test("nothing is sent while a snapshot is, and then what follows it is asked for", () => {
  const waiting = toSnapshot(replicating, 9);
  assertEquals(isPaused(waiting, window), true);
  const after = toProbe(waiting);
  assertEquals([after.state, after.next, after.match], ["probe", 10, 3]);
});

Deno.test("a refusal moves a probe back to the hint, never below what is known to match", () => {
  const probe = { ...newProgress(9), match: 2 };
  assertEquals(refused(probe, 9, 5)?.next, 6);
  assertEquals(refused(probe, 9, 0)?.next, 3);
  assertEquals(refused(probe, 9, 20)?.next, 9);
  assertEquals(refused(probe, 8, 5), undefined);
  // It had acknowledged the very entry: asked at once, it would say the same without end.
  assertEquals(refused({ ...probe, match: 4, next: 5 }, 4, 2), undefined);
});

Deno.test("a refusal of what is known to match is old", () => {
  assertEquals(refused(replicating, 3, 0), undefined);
  assertEquals(refused(replicating, 4, 0)?.state, "probe");
});

Deno.test("match stays below next, and never falls, whatever is answered", () => {
  type Act = (progress: Progress) => Progress;
  const act: fc.Arbitrary<Act> = fc.oneof(
    fc.nat(20).map((index): Act => (p) => accepted(p, index)),
    fc.tuple(fc.nat(20), fc.nat(20)).map(([index, hint]): Act => (p) => refused(p, index, hint) ?? p),
    fc.tuple(fc.nat(3), fc.nat(60)).map(([count, bytes]): Act => (p) =>
      isPaused(p, window) ? p : sent(p, count, bytes)
    ),
    fc.constantFrom<Act>(toProbe, toReplicate, seen, (p) => toSnapshot(p, p.next)),
  );
  fc.assert(fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
    let progress = newProgress(10);
    for (const each of acts) {
      const after = each(progress);
      assertEquals(after.match < after.next && after.match >= progress.match, true, JSON.stringify(after));
      assertEquals(after.inFlight.length <= window.messages, true);
      assertEquals(after.state === "replicate" || after.inFlight.length === 0, true);
      assertEquals(isFull(after, window) && after.state !== "replicate", false);
      progress = after;
    }
  }));
});
