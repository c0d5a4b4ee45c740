/** Keeps one pod on each node that fits (Kubernetes docs, "DaemonSet"). */
import { jsonEquals } from "../../objects/json.ts";
import type { ControllerRevision, DaemonSet, KubeObject, Node, Pod } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import { type Caches, type Controller, controllerKeys, ownKey, type Plan, type Write } from "../controller.ts";
import { claim } from "../ownership.ts";
import { availableInMs } from "../pod_readiness.ts";
import { currentRevision, surplusRevisions } from "../revisions.ts";
import { burst, createPod, deletePod, event, podKeys, writeStatus } from "../workload_pods.ts";
import { daemonPod, hashLabel } from "./daemon_pod.ts";
import { steps } from "./daemon_set_steps.ts";
import { type DaemonSetView, statusOf, viewOf } from "./daemon_set_view.ts";

export const daemonSetController: Controller = {
  name: "daemonset-controller",
  account: "daemon-set-controller",
  watches: [
    { resource: resources.daemonSets, keys: ownKey },
    { resource: resources.pods, keys: podKeys("DaemonSet", resources.daemonSets) },
    { resource: resources.controllerRevisions, keys: controllerKeys("DaemonSet") },
    { resource: resources.nodes, keys: nodeKeys },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const set = caches.of<DaemonSet>(resources.daemonSets).get(key);
    if (set === undefined) return undefined;
    if (set.metadata.deletionTimestamp !== undefined) return { writes: [] };
    const { selector } = set.spec ?? {};
    if (Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0) {
      const message = "This daemon set is selecting all pods. A non-empty selector is required.";
      return { writes: [{ type: "event", event: event(set, "Warning", "SelectingAll", message) }] };
    }
    const namespace = set.metadata.namespace ?? "";
    const pods = claim(set, selector, caches.of<Pod>(resources.pods).inNamespace(namespace), resources.pods);
    const revisions = claim(
      set,
      selector,
      caches.of<ControllerRevision>(resources.controllerRevisions).inNamespace(namespace),
      resources.controllerRevisions,
    );
    const plan = planDaemonSet(set, caches.of<Node>(resources.nodes).list(), pods.owned, revisions.owned, now);
    return { ...plan, writes: [pods.writes, revisions.writes, ...plan.writes] };
  },
};

/** A node concerns every set when it comes, goes, or changes in what decides about daemon pods. */
function nodeKeys(node: KubeObject, previous: KubeObject | undefined, caches: Caches): readonly string[] {
  const facts = (each: KubeObject) => [each.metadata.labels, (each as unknown as Node).spec?.taints];
  if (previous !== undefined && jsonEquals(facts(node), facts(previous))) return [];
  return caches.of<DaemonSet>(resources.daemonSets).list().flatMap((set) => ownKey(set as unknown as KubeObject));
}

/** The plan for a DaemonSet, with the pods and revisions that are its own. */
export function planDaemonSet(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: readonly Pod[],
  revisions: readonly ControllerRevision[],
  now: number,
): Plan {
  const { collisionCount } = set.status ?? {};
  const template = set.spec?.template;
  const revision = currentRevision(set, template, revisions, { hashLabel, collisions: collisionCount ?? 0 });
  const view = viewOf(set, nodes, pods, revision.hash, now);
  if (revision.collided) return { writes: status(view, (collisionCount ?? 0) + 1) };
  const { create, remove, events, againAfterMs } = steps(view);
  const used = new Set(pods.map(({ metadata }) => metadata.labels?.[hashLabel]));
  const isUsed = ({ metadata }: ControllerRevision) =>
    metadata.name === revision.name || used.has(metadata.labels?.[hashLabel]);
  const waits = [againAfterMs, ...pods.map((pod) => availableInMs(pod, set.spec?.minReadySeconds ?? 0, now))]
    .filter((wait) => wait !== undefined && wait > 0) as number[];
  return {
    writes: [
      ...revision.writes,
      ...events.map((each): Write => ({ type: "event", event: each })),
      create.slice(0, burst).map((node) => createPod(set, daemonPod(set, revision.hash, node))),
      remove.slice(0, burst).map((pod) => deletePod(set, pod)),
      surplusRevisions(revisions, set.spec?.revisionHistoryLimit ?? 10, isUsed),
      ...status(view, collisionCount),
    ],
    ...(waits.length > 0 && { againAfterMs: Math.min(...waits) }),
  };
}

function status(view: DaemonSetView, collisionCount: number | undefined): Write[] {
  const next = statusOf(view, collisionCount);
  return jsonEquals(next, view.set.status ?? {}) ? [] : [writeStatus(resources.daemonSets, view.set, next)];
}
