import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatIndexes, indexOf, parseIndexes } from "../../../../machines/controllers/job/completion_indexes.ts";
import { planJob } from "../../../../machines/controllers/job/job_controller.ts";
import { isFinished, viewOf } from "../../../../machines/controllers/job/job_view.ts";
import { verdictOn } from "../../../../machines/controllers/job/pod_failure_policy.ts";
import { isActive } from "../../../../machines/controllers/pod_readiness.ts";
import type { Job, Pod } from "../../../../machines/objects/object.ts";
import { SimulatedObjects } from "../simulated_objects.ts";

const jobOf = (spec: object): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "j", namespace: "n", uid: "job", creationTimestamp: "1970-01-01T00:00:00Z" },
  spec: { backoffLimit: 6, template: { spec: { restartPolicy: "Never", containers: [{ name: "c" }] } }, ...spec },
});

const world = (spec: object) => {
  const objects = new SimulatedObjects();
  objects.put("jobs", jobOf(spec));
  const job = () => objects.all<Job>("jobs")[0]!;
  const pods = () => objects.all<Pod>("pods");
  const sync = (limit?: number) => objects.apply(planJob(job(), pods(), objects.now), limit);
  return { objects, job, pods, sync };
};

Deno.test("formatIndexes and parseIndexes are each other's inverse", () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(40)), (indexes) => {
    const sorted = indexes.toSorted((a, b) => a - b);
    assertEquals(parseIndexes(formatIndexes(sorted), 41), sorted);
  }));
  assertEquals(formatIndexes([1, 3, 4, 5, 7, 8]), "1,3-5,7,8");
});

const step = fc.record({
  what: fc.constantFrom("sync", "sync", "crash", "run", "succeed", "fail", "delete", "finish", "time"),
  which: fc.nat(9),
});

for (const indexed of [false, true]) {
  Deno.test(`planJob ${indexed ? "completes every index once" : "loses no pod and counts none twice"}, whatever happens`, () => {
    const play = (parallelism: number, completions: number, steps: readonly { what: string; which: number }[]) => {
      const spec = { parallelism, completions, backoffLimit: 1000, ...(indexed && { completionMode: "Indexed" }) };
      const { objects, job, pods, sync } = world(spec);
      const succeeded = new Set<string>(), failed = new Set<string>(), indexes = new Set<number>();
      const act = ({ what, which }: { what: string; which: number }) => {
        const all = pods();
        const pod = all[which % Math.max(1, all.length)];
        if (what === "sync") sync();
        else if (what === "crash") sync(which);
        else if (what === "time") objects.now += 60_000;
        else if (pod !== undefined) {
          const active = isActive(pod);
          if (what === "run" && active) objects.setPhase(pod, "Running");
          if (what === "succeed" && active) {
            objects.setPhase(pod, "Succeeded");
            succeeded.add(pod.metadata.uid);
            indexes.add(indexOf(pod) ?? -1);
          }
          if (what === "fail" && active) {
            objects.setPhase(pod, "Failed");
            failed.add(pod.metadata.uid);
          }
          if (what === "delete" && active) {
            objects.end("pods", pod);
            failed.add(pod.metadata.uid);
          }
          if (what === "finish" && pod.metadata.deletionTimestamp !== undefined) objects.finish(pod);
        }
        const working = pods().filter(isActive);
        assert(working.length <= parallelism, `${working.length} pods work, ${parallelism} may`);
        const { status = {} } = job();
        assert((status.succeeded ?? 0) <= succeeded.size, "more successes than pods that succeeded");
        assert((status.failed ?? 0) <= failed.size, "more failures than pods that failed");
        if (indexed) {
          const taken = working.map(indexOf);
          assertEquals(new Set(taken).size, taken.length, "two pods work on one index");
        }
      };
      for (const each of steps) act(each);
      // In the end everything succeeds.
      for (let round = 0; round < 60 && !isFinished(job()); round++) {
        objects.now += 400_000;
        act({ what: "sync", which: 0 });
        for (const pod of pods()) if (pod.metadata.deletionTimestamp !== undefined) objects.finish(pod);
        pods().forEach((pod, which) => isActive(pod) && act({ what: "succeed", which }));
      }
      const { status = {} } = job();
      assertEquals(status.conditions?.map(({ type }) => type), ["SuccessCriteriaMet", "Complete"]);
      assertEquals(status.uncountedTerminatedPods, {});
      assertEquals(status.failed ?? 0, failed.size, "failures");
      assertEquals(status.succeeded, indexed ? completions : succeeded.size, "successes");
      assertEquals(succeeded.size, completions);
      if (indexed) assertEquals(indexes.size, completions);
    };
    const some = fc.array(step, { maxLength: 60 });
    fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }), some, play), {
      numRuns: 300,
    });
  });
}

Deno.test("planJob waits 10 s after a failure, twice as long after the next, never more than 6 minutes", () => {
  const { objects, pods, sync, job } = world({ parallelism: 1, completions: 1, backoffLimit: 20 });
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure++) {
    sync();
    objects.setPhase(pods().find(isActive)!, "Failed");
    sync();
    const { againAfterMs = 0 } = planJob(job(), pods(), objects.now);
    waits.push(againAfterMs / 1000);
    objects.now += againAfterMs;
  }
  assertEquals(waits, [10, 20, 40, 80, 160, 320, 360, 360]);
});

Deno.test("planJob under suspension ends its pods without counting them, and starts anew when resumed", () => {
  const { objects, pods, sync, job } = world({ parallelism: 2, completions: 2, backoffLimit: 0 });
  sync();
  objects.put("jobs", { ...job(), spec: { ...job().spec, suspend: true } });
  sync();
  for (const pod of pods()) objects.finish(pod);
  sync();
  assertEquals([pods().length, job().status?.failed, job().status?.conditions?.[0]?.reason], [
    0,
    undefined,
    "JobSuspended",
  ]);
  objects.put("jobs", { ...job(), spec: { ...job().spec, suspend: false } });
  sync();
  assertEquals([pods().length, job().status?.conditions?.map(({ reason }) => reason)], [2, ["JobResumed"]]);
});

Deno.test("verdictOn ignores, counts or fails by exit code and by condition", () => {
  const policy = {
    rules: [
      { action: "Ignore" as const, onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      { action: "FailJob" as const, onExitCodes: { operator: "In" as const, values: [42] } },
    ],
  };
  const pod = (exitCode: number, conditions: object[] = []) =>
    ({
      metadata: { name: "p", namespace: "n" },
      status: { conditions, containerStatuses: [{ name: "c", state: { terminated: { exitCode } } }] },
    }) as unknown as Pod;
  assertEquals(verdictOn(pod(1), policy), { counts: true });
  assertEquals(verdictOn(pod(1, [{ type: "DisruptionTarget", status: "True" }]), policy), { counts: false });
  assertEquals(verdictOn(pod(42), policy), {
    counts: true,
    failsJob: "Container c for pod n/p failed with exit code 42 matching FailJob rule at index 1",
  });
  const job = jobOf({ parallelism: 1, completions: 1, podFailurePolicy: policy }) as Job;
  assertEquals(viewOf(job, [], 0).replacesFailedOnly, true);
});

Deno.test("planJob gives each index its own limit, and fails when an index has used it up", () => {
  const spec = {
    parallelism: 2,
    completions: 2,
    completionMode: "Indexed",
    backoffLimit: 100,
    backoffLimitPerIndex: 1,
  };
  const { objects, pods, sync, job } = world(spec);
  for (let round = 0; round < 12 && !isFinished(job()); round++) {
    sync();
    for (const pod of pods().filter(isActive)) objects.setPhase(pod, indexOf(pod) === 0 ? "Failed" : "Succeeded");
    objects.now += 60_000;
  }
  const { conditions, failedIndexes, completedIndexes, failed, succeeded } = job().status ?? {};
  assertEquals(conditions?.map(({ type, reason }) => [type, reason]), [
    ["FailureTarget", "FailedIndexes"],
    ["Failed", "FailedIndexes"],
  ]);
  assertEquals([failedIndexes, completedIndexes, failed, succeeded], ["0", "1", 2, 1]);
  const counts = pods().map(({ metadata }) => metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"]);
  assertEquals(counts.sort(), ["0", "0", "1"]);
});
