/** Removes Jobs some time after they finished (Kubernetes docs, "Automatic cleanup for finished Jobs"). */
import type { Job } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { parseTime } from "../../objects/time.ts";
import { type Controller, ownKey, type Plan } from "../controller.ts";
import { conditionOf } from "../job/job_view.ts";

export const ttlAfterFinishedController: Controller = {
  name: "ttl-after-finished-controller",
  account: "ttl-after-finished-controller",
  watches: [{ resource: resources.jobs, keys: ownKey }],
  plan(key, caches, { now }): Plan | undefined {
    const job = caches.of<Job>(resources.jobs).get(key);
    const seconds = job?.spec?.ttlSecondsAfterFinished;
    if (job === undefined || seconds === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
    const finished = conditionOf(job, "Complete") ?? conditionOf(job, "Failed");
    if (finished === undefined) return undefined;
    const left = (parseTime(finished.lastTransitionTime) ?? now) + seconds * 1000 - now;
    if (left > 0) return { writes: [], againAfterMs: left, waitsFor: `${seconds} s after the Job finished` };
    const { name, namespace = "", uid, resourceVersion } = job.metadata;
    // Not if it has changed meanwhile: its time to live, perhaps.
    return {
      writes: [{
        type: "delete",
        resource: resources.jobs,
        namespace,
        name,
        uid,
        resourceVersion,
        propagation: "Foreground",
      }],
    };
  },
};
