/** Which daemon pods come and which go now: one for each node that should have one, replaced as the strategy allows. */
import type { Pod } from "../../objects/object.ts";
import { parseTime } from "../../objects/time.ts";
import type { EventDraft } from "../controller.ts";
import { isReady } from "../pod_readiness.ts";
import { event } from "../workload_pods.ts";
import { type DaemonSetView, isAvailable, isEnding, isUpdated, type Place } from "./daemon_set_view.ts";

export interface DaemonSetSteps {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  readonly events: readonly EventDraft[];
  readonly againAfterMs?: number;
}

/** A pod that failed right after it came is kept for a while, or a node that refuses it would be asked all the time. */
const failedStaysMs = 10_000;

export function steps(view: DaemonSetView): DaemonSetSteps {
  const placed = place(view);
  const rolled = view.set.spec?.updateStrategy?.type === "OnDelete" ? { create: [], remove: [] } : roll(view);
  const remove = new Set([...placed.remove, ...rolled.remove]);
  return { ...placed, create: [...new Set([...placed.create, ...rolled.create])], remove: [...remove] };
}

function place(view: DaemonSetView): DaemonSetSteps {
  const { set, now } = view;
  const create: string[] = [];
  const remove: Pod[] = [...view.lost];
  const events: EventDraft[] = [];
  const waits: number[] = [];
  for (const { node, comes, stays, pods } of view.places) {
    if (comes && pods.length === 0) create.push(node);
    const here = pods.filter((pod) => !isEnding(pod));
    if (!stays) remove.push(...here);
    if (!stays) continue;
    for (const pod of here) {
      const told = (what: string, wish: string) =>
        `Found ${what} daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node}, will try to ${wish} it`;
      if (pod.status?.phase === "Failed") {
        const wait = (parseTime(pod.metadata.creationTimestamp) ?? 0) + failedStaysMs - now;
        if (wait > 0) waits.push(wait);
        else {
          events.push(event(set, "Warning", "FailedDaemonPod", told("failed", "kill")));
          remove.push(pod);
        }
      } else if (pod.status?.phase === "Succeeded") {
        events.push(event(set, "Normal", "SucceededDaemonPod", told("succeeded", "delete")));
        remove.push(pod);
      }
    }
    remove.push(
      ...tooMany(view, here.filter(({ status }) => status?.phase !== "Failed" && status?.phase !== "Succeeded")),
    );
  }
  return { create, remove, events, ...(waits.length > 0 && { againAfterMs: Math.min(...waits) }) };
}

/** All but the oldest; while pods may surge, the oldest of either revision until the new one can stand in. */
function tooMany(view: DaemonSetView, pods: readonly Pod[]): readonly Pod[] {
  if (limits(view).surge === 0) return pods.slice(1);
  const fresh = pods.find((pod) => isUpdated(view, pod));
  const old = pods.find((pod) => !isUpdated(view, pod));
  const surplus = pods.filter((pod) => pod !== fresh && pod !== old);
  const replaced = fresh !== undefined && old !== undefined && (!isReady(old) || isAvailable(view, fresh));
  return replaced ? [...surplus, old] : surplus;
}

/** How many nodes may be without an available pod, and how many may have two. */
export function limits({ set, places }: DaemonSetView): { readonly unavailable: number; readonly surge: number } {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === "OnDelete") return { unavailable: 0, surge: 0 };
  const wanted = places.filter(({ comes }) => comes).length;
  const surge = shareOf(rollingUpdate?.maxSurge ?? 0, wanted);
  const unavailable = shareOf(rollingUpdate?.maxUnavailable ?? 1, wanted);
  return { surge, unavailable: surge === 0 ? Math.max(1, unavailable) : unavailable };
}

function shareOf(value: number | string, of: number): number {
  if (typeof value === "number") return value;
  return value.endsWith("%") ? Math.ceil(Number(value.slice(0, -1)) * of / 100) : Number(value) || 0;
}

function roll(view: DaemonSetView): Pick<DaemonSetSteps, "create" | "remove"> {
  const { unavailable, surge } = limits(view);
  const standing = view.places.filter(({ comes }) => comes).map((each) => stateOf(view, each));
  const is = (state: Standing["state"]) => standing.filter((each) => each.state === state);
  const broken = is("oldUnavailable");
  if (surge > 0) {
    const room = Math.max(0, surge - is("surging").length - broken.length);
    return { create: [...broken, ...is("oldAvailable").slice(0, room)].map(({ node }) => node), remove: [] };
  }
  // What does not serve anyway is replaced at once; of the rest as many as may be missing.
  const room = Math.max(0, unavailable - is("missing").length - broken.length);
  return { create: [], remove: [...broken, ...is("oldAvailable").slice(0, room)].flatMap(({ old }) => old ?? []) };
}

interface Standing {
  readonly node: string;
  readonly state: "updated" | "surging" | "missing" | "oldAvailable" | "oldUnavailable";
  readonly old?: Pod;
}

function stateOf(view: DaemonSetView, { node, pods }: Place): Standing {
  const here = pods.filter((pod) => !isEnding(pod));
  const fresh = here.find((pod) => isUpdated(view, pod));
  const old = here.find((pod) => !isUpdated(view, pod));
  if (fresh !== undefined && old !== undefined) return { node, state: "surging" };
  if (fresh !== undefined) return { node, state: isAvailable(view, fresh) ? "updated" : "missing" };
  if (old === undefined) return { node, state: "missing" };
  return { node, state: isAvailable(view, old) ? "oldAvailable" : "oldUnavailable", old };
}
