import { assertEquals } from "@std/assert";
import { EventRecorder } from "../../../actors/events/event_recorder.ts";
import type { Event } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { FakeApi } from "../../support/fake_api.ts";
import { SteadyClock } from "../../support/steady_clock.ts";

const about = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", uid: "1", resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" },
};

function world() {
  const [client, clock] = [new FakeApi(), new SteadyClock()];
  const recorder = new EventRecorder({ client, clock, component: "kubelet", host: "n1" });
  const events = async () => (await client.list<Event>(resources.events, { namespace: "n" })).items;
  return { client, clock, recorder, events };
}

Deno.test("EventRecorder writes an event once and counts it up afterwards", async () => {
  const { recorder, events, clock } = world();
  for (let count = 0; count < 3; count++) {
    recorder.record({ about, type: "Normal", reason: "Pulled", message: "m", fieldPath: "spec.containers{c}" });
    clock.advance(1000);
  }
  await recorder.flush();
  const all = await events();
  assertEquals(
    all.map(({ count, message, source, firstTimestamp, lastTimestamp, involvedObject }) => [
      count,
      message,
      source,
      firstTimestamp,
      lastTimestamp,
      involvedObject.fieldPath,
    ]),
    [[
      3,
      "m",
      { component: "kubelet", host: "n1" },
      "2026-01-01T00:00:00Z",
      "2026-01-01T00:00:02Z",
      "spec.containers{c}",
    ]],
  );
});

Deno.test("EventRecorder writes an event anew that has expired meanwhile", async () => {
  const { client, recorder, events } = world();
  recorder.record({ about, type: "Normal", reason: "Pulled", message: "m" });
  await recorder.flush();
  const [first] = await events();
  await client.delete(resources.events, "n", first!.metadata.name);
  recorder.record({ about, type: "Normal", reason: "Pulled", message: "m" });
  await recorder.flush();
  assertEquals((await events()).map(({ count }) => count), [1]);
});

Deno.test("EventRecorder drops and counts what the API server refuses, and goes on", async () => {
  const { client, recorder, events } = world();
  client.refuse = (write) => write.startsWith("create") ? new Error("the namespace ends") : undefined;
  recorder.record({ about, type: "Normal", reason: "A", message: "m" });
  await recorder.flush();
  client.refuse = undefined;
  recorder.record({ about, type: "Normal", reason: "B", message: "m" });
  await recorder.flush();
  assertEquals([recorder.dropped, (await events()).map(({ reason }) => reason)], [1, ["B"]]);
});

Deno.test("EventRecorder tells what an action came to as a series", async () => {
  const { recorder, events } = world();
  for (let count = 0; count < 2; count++) {
    recorder.record({ about, type: "Warning", reason: "FailedScheduling", message: "m", action: "Scheduling" });
  }
  await recorder.flush();
  const [event] = await events();
  assertEquals([event?.action, event?.series?.count, event?.count], ["Scheduling", 2, undefined]);
});

Deno.test("EventRecorder names every event otherwise, however many there are in a moment", async () => {
  const { recorder, events } = world();
  for (let index = 0; index < 20; index++) {
    const metadata = { ...about.metadata, uid: `${index}` };
    recorder.record({ about: { ...about, metadata }, type: "Normal", reason: "A", message: "m" });
  }
  await recorder.flush();
  assertEquals(new Set((await events()).map(({ metadata }) => metadata.name)).size, 20);
});
