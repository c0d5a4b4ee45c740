import { assertEquals } from "@std/assert";
import { EventCorrelator } from "../../../machines/events/event_correlator.ts";

const about = { kind: "Pod", metadata: { name: "p", namespace: "n", uid: "1", resourceVersion: "7" } };
const event = (message: string, reason = "Pulled") => ({ about, type: "Normal", reason, message });

Deno.test("EventCorrelator tells the same event by the same key", () => {
  const correlator = new EventCorrelator();
  const [a, b, other] = [event("a"), event("a"), event("b")].map((each) => correlator.correlate(each, 0)?.key);
  assertEquals([a === b, a === other], [true, false]);
});

Deno.test("EventCorrelator tells the tenth different message of a reason, and all after it, as one", () => {
  const correlator = new EventCorrelator();
  const told = Array.from({ length: 12 }, (_, index) => correlator.correlate(event(`m${index}`), 0));
  assertEquals(told.map((each) => each?.combined), [...Array(9).fill(false), true, true, true]);
  assertEquals(new Set(told.slice(9).map((each) => each?.key)).size, 1);
  assertEquals(told[11]?.message, "(combined from similar events): m11");
});

Deno.test("EventCorrelator begins anew after ten quiet minutes", () => {
  const correlator = new EventCorrelator();
  for (let index = 0; index < 12; index++) correlator.correlate(event(`m${index}`), 0);
  assertEquals(correlator.correlate(event("later"), 600_001)?.combined, false);
});

Deno.test("EventCorrelator lets 25 events about an object through, then one every five minutes", () => {
  const correlator = new EventCorrelator();
  const told = (now: number) => correlator.correlate(event("again"), now) !== undefined;
  assertEquals(Array.from({ length: 30 }, () => told(0)).filter(Boolean).length, 25);
  assertEquals([told(299_000), told(301_000), told(301_000)], [false, true, false]);
});

Deno.test("EventCorrelator takes events of the newer form as one while they are about the same version", () => {
  const correlator = new EventCorrelator();
  const acted = (message: string, resourceVersion: string) => {
    const of = { ...about, metadata: { ...about.metadata, resourceVersion } };
    return correlator.correlate({ ...event(message), about: of, action: "Scheduling" }, 0)?.key;
  };
  assertEquals([acted("a", "7") === acted("b", "7"), acted("a", "7") === acted("a", "8")], [true, false]);
});
