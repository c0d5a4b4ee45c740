/** How many pods a Job has now, which ones, and which go: never more than `parallelism`, never more than is left to do. */
import type { Job, Pod } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import type { Write } from "../controller.ts";
import { isReady } from "../pod_readiness.ts";
import { podsToDelete } from "../replica_set/pods_to_delete.ts";
import { burst, createPod, deletePod, podOf } from "../workload_pods.ts";
import { failureCount, indexLabel, indexOf } from "./completion_indexes.ts";
import { backOffMs, failuresOf, isCountable, type JobView, trackingFinalizer } from "./job_view.ts";

/** What is done to the pods, and how many there are then. */
export interface PodStep {
  readonly writes: readonly (readonly Write[])[];
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  readonly againAfterMs?: number;
}

export function noStep({ active, terminating }: JobView): PodStep {
  return { writes: [], active: active.length, ready: active.filter(isReady).length, terminating: terminating.length };
}

/** The Job is over: whatever still works is ended, and counted by how it ends. */
export function endAll(view: JobView): PodStep {
  return without(view, view.active, [view.active.map((pod) => deletePod(view.job, pod))]);
}

export function manage(view: JobView): PodStep {
  const { active, suspended, job } = view;
  const wanted = suspended ? 0 : wantedActive(view);
  const surplus = toRemove(view, Math.max(0, active.length - wanted)).slice(0, suspended ? active.length : burst);
  if (surplus.length > 0) {
    // Not to be counted as failures, they are let go before they are ended.
    return without(view, surplus, [surplus.map(untrack), surplus.map((pod) => deletePod(job, pod))]);
  }
  const occupied = active.length + (view.replacesFailedOnly ? view.terminating.length : 0);
  const missing = Math.min(burst, wanted - occupied);
  if (suspended || missing <= 0) return noStep(view);
  const perIndex = view.failedIndexes !== undefined;
  const wait = perIndex ? 0 : backOffMs(view);
  if (wait > 0) return { ...noStep(view), againAfterMs: wait };
  const pending = view.indexed
    ? pendingIndexes(view, perIndex ? Infinity : missing)
    : Array<undefined>(missing).fill(undefined);
  // Where each index has a limit of its own, each has a back-off of its own, too.
  const waits = new Map(perIndex ? pending.map((index) => [index, indexBackOffMs(view, index)]) : []);
  const names = pending.filter((index) => (waits.get(index) ?? 0) === 0).slice(0, missing);
  if (names.length === 0) {
    return pending.length === 0 ? noStep(view) : { ...noStep(view), againAfterMs: Math.min(...waits.values()) };
  }
  const failures = (index: number | undefined) => perIndex ? failuresOf(view, index!) : undefined;
  const created = names.map((index) => createPod(job, jobPod(job, index, failures(index))));
  const step = noStep(view);
  return { ...step, writes: [created], active: step.active + created.length };
}

function indexBackOffMs(view: JobView, index: number | undefined): number {
  return backOffMs({ ...view, pods: view.pods.filter((pod) => indexOf(pod) === index) });
}

function without(view: JobView, gone: readonly Pod[], writes: readonly (readonly Write[])[]): PodStep {
  const step = noStep(view);
  if (gone.length === 0) return step;
  return {
    writes,
    active: step.active - gone.length,
    ready: step.ready - gone.filter(isReady).length,
    terminating: step.terminating + gone.length,
  };
}

function wantedActive({ completions, succeeded, parallelism, active }: JobView): number {
  // Without a number of completions the first success ends it: who still works may finish.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** At least that many; in an indexed Job also whoever has no index of its own. */
function toRemove({ active, indexed, completions, succeededIndexes }: JobView, atLeast: number): Pod[] {
  const removed = new Set<Pod>();
  if (indexed) {
    const byIndex = new Map<number, Pod[]>();
    for (const pod of active) {
      const index = indexOf(pod);
      const counts = index !== undefined && isCountable(pod, true, completions) && !succeededIndexes.includes(index);
      if (counts) byIndex.set(index, [...byIndex.get(index) ?? [], pod]);
      else removed.add(pod);
    }
    for (const pods of byIndex.values()) for (const pod of podsToDelete(pods, pods.length - 1)) removed.add(pod);
  }
  const rest = active.filter((pod) => !removed.has(pod));
  for (const pod of podsToDelete(rest, Math.max(0, atLeast - removed.size))) removed.add(pod);
  return [...removed];
}

function pendingIndexes(view: JobView, count: number): number[] {
  const { active, terminating, replacesFailedOnly, succeededIndexes, failedIndexes = [], completions = 0 } = view;
  const taken = new Set<number | undefined>([...succeededIndexes, ...failedIndexes]);
  for (const pod of replacesFailedOnly ? [...active, ...terminating] : active) taken.add(indexOf(pod));
  const found: number[] = [];
  for (let index = 0; index < completions && found.length < count; index++) if (!taken.has(index)) found.push(index);
  return found;
}

const indexVariable = {
  name: "JOB_COMPLETION_INDEX",
  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexLabel}']` } },
};

function jobPod(job: Job, index: number | undefined, failures: number | undefined): object {
  const template = job.spec?.template;
  const metadata = template?.metadata ?? {};
  const finalizers = [...new Set([...metadata.finalizers ?? [], trackingFinalizer])];
  const { name } = job.metadata;
  if (index === undefined) {
    return podOf(job, { ...template, metadata: { ...metadata, finalizers } }, { generateName: `${name}-` });
  }
  const { spec } = template ?? {};
  const marked = {
    ...metadata,
    finalizers,
    labels: { ...metadata.labels, [indexLabel]: String(index) },
    annotations: {
      ...metadata.annotations,
      [indexLabel]: String(index),
      ...(failures !== undefined && { [failureCount]: String(failures) }),
    },
  };
  const indexed = {
    ...spec,
    hostname: `${name}-${index}`,
    ...(spec?.initContainers && { initContainers: spec.initContainers.map(withIndex) }),
    containers: (spec?.containers ?? []).map(withIndex),
  };
  const suffix = `-${index}-`;
  // The index must survive the cutting of long names.
  return podOf(job, { metadata: marked, spec: indexed }, { generateName: name.slice(0, 58 - suffix.length) + suffix });
}

function withIndex<C extends { env?: { name: string }[] }>(container: C): C {
  const { env = [] } = container;
  return env.some(({ name }) => name === indexVariable.name)
    ? container
    : { ...container, env: [...env, indexVariable] };
}

/** Lets a pod go: counted, or not to be counted. */
export function untrack({ metadata: { name, namespace = "", uid } }: Pod): Write {
  return {
    type: "patch",
    resource: resources.pods,
    namespace,
    name,
    patch: "strategic",
    body: { metadata: { uid, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } },
    missingIsFine: true,
  };
}
