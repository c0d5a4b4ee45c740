/** What `kubectl get pods` shows, and how the one word of STATUS is found. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Column } from "../../machinery/types.ts";
import { type Fields, fields, has, int, isFields, list, text } from "../fields.ts";
import { ageColumn, column, nameColumn, orNone, spec, status, wide } from "./column.ts";
import { humanDuration } from "./duration.ts";

interface PodSummary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  readonly lastRestart: number | undefined;
}

function exitReason(terminated: Fields): string {
  const reason = text(terminated["reason"]);
  if (reason !== "") return reason;
  return int(terminated["signal"]) !== 0
    ? `Signal:${int(terminated["signal"])}`
    : `ExitCode:${int(terminated["exitCode"])}`;
}

function finishedAt(container: Fields): number | undefined {
  const finished = text(fields(fields(container["lastState"])["terminated"])["finishedAt"]);
  return finished === "" ? undefined : Date.parse(finished);
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}

function conditionIs(conditions: readonly Fields[], type: string, reason?: string): boolean {
  return conditions.some((each) =>
    each["type"] === type && (reason === undefined ? each["status"] === "True" : each["reason"] === reason)
  );
}

interface InitSummary {
  readonly reason: string | undefined;
  readonly restarts: number;
  readonly restartableRestarts: number;
  readonly restartableReady: number;
  readonly lastRestart: number | undefined;
  readonly restartableLastRestart: number | undefined;
}

function summarizeInit(pod: KubeObject): InitSummary {
  const containers = list(spec(pod)["initContainers"]);
  const restartable = new Set(
    containers.filter((each) => each["restartPolicy"] === "Always").map((each) => text(each["name"])),
  );
  const seen = { restarts: 0, restartableRestarts: 0, restartableReady: 0 };
  let lastRestart: number | undefined;
  let restartableLastRestart: number | undefined;
  let reason: string | undefined;
  const statuses = list(status(pod)["initContainerStatuses"]);
  for (const [index, container] of statuses.entries()) {
    const isRestartable = restartable.has(text(container["name"]));
    seen.restarts += int(container["restartCount"]);
    lastRestart = latest(lastRestart, finishedAt(container));
    if (isRestartable) {
      seen.restartableRestarts += int(container["restartCount"]);
      restartableLastRestart = latest(restartableLastRestart, finishedAt(container));
    }
    const { terminated, waiting } = fields(container["state"]);
    if (isFields(terminated) && int(terminated["exitCode"]) === 0) continue;
    if (isRestartable && container["started"] === true) {
      if (container["ready"] === true) seen.restartableReady++;
      continue;
    }
    const waitingReason = text(fields(waiting)["reason"]);
    if (isFields(terminated)) reason = `Init:${exitReason(terminated)}`;
    else if (waitingReason !== "" && waitingReason !== "PodInitializing") reason = `Init:${waitingReason}`;
    else reason = `Init:${index}/${containers.length}`;
    break;
  }
  return { reason, ...seen, lastRestart, restartableLastRestart };
}

/** READY, STATUS and RESTARTS of a pod. */
export function summarizePod(pod: KubeObject): PodSummary {
  const { phase, reason: statusReason, conditions: given, containerStatuses } = status(pod);
  const conditions = list(given);
  const init = summarizeInit(pod);
  const sidecars = list(spec(pod)["initContainers"]).filter((each) => each["restartPolicy"] === "Always").length;
  const total = list(spec(pod)["containers"]).length + sidecars;
  let reason = text(statusReason) || text(phase);
  if (conditionIs(conditions, "PodScheduled", "SchedulingGated")) reason = "SchedulingGated";
  let { restarts, lastRestart } = init;
  let ready = init.restartableReady;
  const initializing = init.reason !== undefined;
  if (init.reason !== undefined) reason = init.reason;
  if (!initializing || conditionIs(conditions, "Initialized")) {
    restarts = init.restartableRestarts;
    lastRestart = init.restartableLastRestart;
    let running = false;
    for (const container of list(containerStatuses).reverse()) {
      restarts += int(container["restartCount"]);
      lastRestart = latest(lastRestart, finishedAt(container));
      const { waiting, terminated, running: runs } = fields(container["state"]);
      const waitingReason = text(fields(waiting)["reason"]);
      if (waitingReason !== "") reason = waitingReason;
      else if (isFields(terminated)) reason = exitReason(terminated);
      else if (container["ready"] === true && isFields(runs)) {
        running = true;
        ready++;
      }
    }
    if (reason === "Completed" && running) reason = conditionIs(conditions, "Ready") ? "Running" : "NotReady";
  }
  if (has(pod.metadata.deletionTimestamp)) {
    if (statusReason === "NodeLost") reason = "Unknown";
    else if (phase !== "Failed" && phase !== "Succeeded") reason = "Terminating";
  }
  return { ready, total, reason, restarts, lastRestart };
}

function restartsCell(pod: KubeObject, now: number): string {
  const { restarts, lastRestart } = summarizePod(pod);
  if (restarts === 0 || lastRestart === undefined) return String(restarts);
  return `${restarts} (${humanDuration(now - lastRestart)} ago)`;
}

function readinessGatesCell(pod: KubeObject): string {
  const gates = list(spec(pod)["readinessGates"]);
  if (gates.length === 0) return "<none>";
  const conditions = list(status(pod)["conditions"]);
  const met = gates.filter((gate) => conditionIs(conditions, text(gate["conditionType"]))).length;
  return `${met}/${gates.length}`;
}

function podIP(pod: KubeObject): unknown {
  const first = list(status(pod)["podIPs"])[0];
  return orNone(text(first?.["ip"]) || status(pod)["podIP"]);
}

const restartsText =
  "The number of times the containers in this pod have been restarted and when the last container in this " +
  "pod has restarted.";

export const podColumns: readonly Column[] = [
  nameColumn,
  column("Ready", "The aggregate readiness state of this pod for accepting traffic.", (pod) => {
    const { ready, total } = summarizePod(pod);
    return `${ready}/${total}`;
  }),
  column("Status", "The aggregate status of the containers in this pod.", (pod) => summarizePod(pod).reason),
  column("Restarts", restartsText, restartsCell),
  ageColumn,
  wide(column("IP", { of: "v1/PodStatus.podIP" }, podIP)),
  wide(column("Node", { of: "v1/PodSpec.nodeName" }, (pod) => orNone(spec(pod)["nodeName"]))),
  wide(
    column(
      "Nominated Node",
      { of: "v1/PodStatus.nominatedNodeName" },
      (pod) => orNone(status(pod)["nominatedNodeName"]),
    ),
  ),
  wide(column("Readiness Gates", { of: "v1/PodSpec.readinessGates" }, readinessGatesCell)),
];
