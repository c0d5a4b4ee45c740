import { assertEquals, assertRejects } from "@std/assert";
import { PlanWriter } from "../../../actors/controllers/plan_writer.ts";
import type { EventRecorder, RecordedEvent } from "../../../actors/events/event_recorder.ts";
import { SharedInformers } from "../../../actors/informer.ts";
import { ActorSystem } from "../../../actors/system.ts";
import type { Write } from "../../../machines/controllers/controller.ts";
import type { Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { FakeApi } from "../../support/fake_api.ts";
import { SteadyClock } from "../../support/steady_clock.ts";

const { pods, configMaps } = resources;

function world() {
  const [client, clock] = [new FakeApi(), new SteadyClock()];
  const system = new ActorSystem({ clock });
  const informers = new SharedInformers(system, { node: "test", client });
  const told: string[] = [];
  const events = { record: ({ reason, message }: RecordedEvent) => void told.push(`${reason}: ${message}`) };
  const writer = new PlanWriter(client, informers, events as unknown as EventRecorder);
  return { client, clock, informers, told, writer, stop: () => system.stopAll() };
}

const create = (name: string): Write => ({
  type: "create",
  resource: pods,
  object: { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "n" } },
});

Deno.test("PlanWriter begins a group slowly: what is refused for all of them is refused once", async () => {
  const { client, writer, stop } = world();
  let asked = 0;
  client.refuse = () => (asked++, new Error("exceeded quota"));
  await assertRejects(() => writer.writeGroup(Array.from({ length: 100 }, (_, index) => create(`p${index}`))), Error);
  assertEquals(asked, 1);
  stop();
});

Deno.test("PlanWriter doubles its batches, and stops after the one in which something was refused", async () => {
  const { client, writer, stop } = world();
  let asked = 0;
  client.refuse = () => ++asked === 6 ? new Error("exceeded quota") : undefined;
  await assertRejects(() => writer.writeGroup(Array.from({ length: 100 }, (_, index) => create(`p${index}`))), Error);
  assertEquals(asked, 1 + 2 + 4);
  stop();
});

Deno.test("PlanWriter tells of what it wrote and of what was refused, and writes why", async () => {
  const { client, told, writer, stop } = world();
  const about = { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name: "r" } } as never;
  const event = (reason: string, message: string) => ({ about, type: "Normal" as const, reason, message });
  const write: Write = {
    ...create("p"),
    onSuccess: event("SuccessfulCreate", "Created pod: {name}"),
    onFailure: event("FailedCreate", "Error creating: {error}"),
    onFailureWrite: {
      type: "create",
      resource: configMaps,
      object: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "why", namespace: "n" },
        data: { why: "{error}" },
      },
    },
  };
  await writer.write(write);
  client.refuse = (what) => what.includes("pods") ? new Error('quota "q" exceeded') : undefined;
  await assertRejects(() => writer.write(write), Error, "quota");
  assertEquals(told, ["SuccessfulCreate: Created pod: p", 'FailedCreate: Error creating: quota "q" exceeded']);
  assertEquals((await client.get<{ data: unknown }>(configMaps, "n", "why")).data, { why: 'quota "q" exceeded' });
  stop();
});

Deno.test("PlanWriter lets the local copies know at once what it wrote and what it deleted", async () => {
  const { clock, informers, writer, stop } = world();
  const informer = informers.of<Pod>(pods);
  await clock.settle();
  await writer.write(create("p"));
  assertEquals(informer.get("n/p")?.metadata.name, "p");
  await writer.write({ type: "delete", resource: pods, namespace: "n", name: "p", gracePeriodSeconds: 0 });
  assertEquals(informer.get("n/p"), undefined);
  stop();
});

Deno.test("PlanWriter holds a write back while the API has what must be absent", async () => {
  const { client, writer, stop } = world();
  await client.create(configMaps, "n", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", namespace: "n" },
  });
  const write = { ...create("p"), absent: [{ resource: configMaps, namespace: "n" }] };
  await assertRejects(() => writer.write(write), Error, "still exists");
  await client.delete(configMaps, "n", "c");
  await writer.write(write);
  assertEquals((await client.list(pods)).items.length, 1);
  stop();
});

Deno.test("PlanWriter takes it as done that what it deletes is gone, and that what may exist exists", async () => {
  const { writer, stop } = world();
  await writer.write({ type: "delete", resource: pods, namespace: "n", name: "nobody" });
  await writer.write(create("p"));
  await writer.write({ ...create("p"), existsIsFine: true } as Write);
  await assertRejects(() => writer.write(create("p")), Error);
  stop();
});
