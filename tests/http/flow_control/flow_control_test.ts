/** Requests that wait for each other as FlowSchemas and priority levels say. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { createApp } from "../../../http/app.ts";
import defaults from "../../../http/flow_control/generated/default_objects.json" with { type: "json" };
import { FlowControl } from "../../../http/flow_control/flow_control.ts";
import type { FlowSchema } from "../../../machines/flow_control/classify.ts";
import type { PriorityLevel } from "../../../machines/flow_control/priority_levels.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { admin, testApi } from "../machinery/test_api.ts";

const withUid = <T>(objects: readonly { metadata: { name: string } }[]) =>
  objects.map((each) => ({
    ...each,
    metadata: { ...each.metadata, uid: `uid-${each.metadata.name}` },
  })) as unknown as T[];

function control() {
  const clock = new ManualClock();
  const flows = new FlowControl(clock);
  flows.use(withUid<FlowSchema>(defaults.flowschemas), withUid<PriorityLevel>(defaults.prioritylevelconfigurations));
  return { clock, flows };
}

const asked = {
  ...{ verb: "get", path: "", resourceRequest: true, group: "", resource: "pods", subresource: "", namespace: "ns" },
};
const jane = { name: "jane", groups: ["system:authenticated"] };

Deno.test("FlowControl refuses with 429 what finds its queues full or no seat in time, and counts it", async () => {
  const { clock, flows } = control();
  const flow = flows.flowOf(jane, asked)!;
  const ends: (() => void)[] = [];
  let begun = 0;
  const work = () => (begun++, new Promise<void>((resolve) => ends.push(resolve)));
  const refusals: ApiError[] = [];
  const started = Array.from(
    { length: 1_000 },
    () => flows.run(flow, 1, work).catch((error: ApiError) => void refusals.push(error)),
  );
  await Promise.resolve();
  // One flow has its hand of six queues of fifty, and the seats of its level with what others lend.
  const full = refusals.length;
  assertEquals([begun + full + 300, refusals[0]!.code, refusals[0]!.status.details?.retryAfterSeconds], [
    1_000,
    429,
    1,
  ]);
  // Others get in all the same.
  assertEquals(
    await flows.run(flows.flowOf({ ...jane, groups: ["system:masters"] }, asked)!, 1, () => Promise.resolve(1)),
    1,
  );
  clock.advance(15_000);
  clock.run();
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(refusals.length, full + 300);
  const text = flows.metrics().join("\n");
  assertStringIncludes(
    text,
    `rejected_requests_total{flow_schema="global-default",priority_level="global-default",reason="queue-full"} ${full}`,
  );
  assertStringIncludes(text, 'reason="time-out"} 300');
  assertStringIncludes(text, 'apiserver_flowcontrol_nominal_limit_seats{priority_level="exempt"} 0');
  ends.forEach((end) => end());
  await Promise.all(started);
});

Deno.test("FlowControl lets who waits in when another is over, also one that failed", async () => {
  const { clock, flows } = control();
  const level = {
    metadata: { name: "global-default", uid: "u" },
    spec: { type: "Limited", limited: { limitResponse: { type: "Queue" } } },
  };
  flows.use(withUid<FlowSchema>(defaults.flowschemas), [level as unknown as PriorityLevel]);
  const flow = flows.flowOf(jane, asked)!;
  const first = Promise.withResolvers<number>();
  const running = flows.run(flow, 600, () => first.promise);
  const waiting = flows.run(flow, 600, () => Promise.resolve("second"));
  first.reject(new Error("it failed"));
  await assertRejects(() => running, Error, "it failed");
  assertEquals(await waiting, "second");
  assertEquals(clock.nextWake, undefined);
});

Deno.test("answers say which schema and level they were under, and nothing of it where there are none", async () => {
  const { flows } = control();
  const test = await testApi();
  const serve = (flowControl?: FlowControl) =>
    createApp({
      api: test.api,
      authenticator: { authenticate: () => Promise.resolve(admin) },
      serverAddress: "192.0.2.2:16443",
      health: { livez: [], readyz: [] },
      ...(flowControl === undefined ? {} : { flowControl }),
    });
  const path = "/api/v1/namespaces/default/configmaps";
  const told = async (app: ReturnType<typeof serve>) => {
    const { status, headers } = await app.request(path);
    return [status, headers.get("x-kubernetes-pf-flowschema-uid"), headers.get("x-kubernetes-pf-prioritylevel-uid")];
  };
  assertEquals(await told(serve(flows)), [200, "uid-exempt", "uid-exempt"]);
  assertEquals(await told(serve()), [200, null, null]);
  test.stop();
});
