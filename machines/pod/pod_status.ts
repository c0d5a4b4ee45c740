/**
 * A pod's status, computed from a view of it and nothing else (Kubernetes "Pod Lifecycle": phase, conditions and
 * container states). What is not ours (PodScheduled, resize, nominated node) is kept as it is.
 */
import type { PodStatus } from "../objects/object.ts";
import { qosClassOf } from "./qos.ts";
import type { ContainerView, PodView, Run } from "./pod_view.ts";

type Status = NonNullable<PodStatus["containerStatuses"]>[number];
type State = NonNullable<Status["state"]>;
type Condition = NonNullable<PodStatus["conditions"]>[number];
export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

export function podStatus(view: PodView): PodStatus {
  const { pod, because } = view;
  const phase = phaseOf(view);
  const inits = view.containers.filter(isInit);
  const apps = view.containers.filter(({ role }) => role === "app");
  const ephemeral = view.containers.filter(({ role }) => role === "ephemeral");
  const { reason: _, message: __, ...kept } = pod.status ?? {};
  const hasInits = inits.length > 0;
  return {
    ...kept,
    phase,
    conditions: conditionsOf(view, phase),
    ...(view.hostIPs.length === 0 ? {} : { hostIP: view.hostIPs[0]!, hostIPs: view.hostIPs.map((ip) => ({ ip })) }),
    ...(view.podIPs.length === 0 ? {} : { podIP: view.podIPs[0]!, podIPs: view.podIPs.map((ip) => ({ ip })) }),
    startTime: view.startTime,
    ...(hasInits ? { initContainerStatuses: inits.map((each) => statusOf(view, each, phase)) } : {}),
    ...(apps.length > 0 ? { containerStatuses: apps.map((each) => statusOf(view, each, phase)) } : {}),
    ...(ephemeral.length > 0
      ? { ephemeralContainerStatuses: ephemeral.map((each) => statusOf(view, each, phase)) }
      : {}),
    qosClass: pod.status?.qosClass ?? qosClassOf(pod),
    ...(because === undefined ? {} : { reason: because.reason, message: because.message }),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  } as PodStatus;
}

const isInit = ({ role }: ContainerView): boolean => role === "init" || role === "sidecar";

/** Pending until all init containers are done and something has run; never back from there. */
export function phaseOf(view: PodView): Phase {
  if (view.ended !== undefined) return view.ended;
  const before = view.pod.status?.phase as Phase | undefined;
  if (before === "Running") return "Running";
  const apps = view.containers.filter(({ role }) => role === "app");
  if (!initialized(view)) return "Pending";
  const hasRun = apps.filter(({ chart, run, last }) =>
    chart.kind !== "waiting" || run?.startedAt || last !== undefined
  );
  return hasRun.length === apps.length && apps.length > 0 ? "Running" : "Pending";
}

function initDone({ role, chart, run, last }: ContainerView): boolean {
  if (role === "sidecar") return chart.kind === "running" && chart.started;
  if (chart.kind === "terminated") return run?.exitCode === 0;
  return chart.kind === "waiting" && run === undefined && last?.exitCode === 0;
}

function initialized({ containers }: PodView): boolean {
  const apps = containers.filter(({ role }) => role === "app");
  // Once an app container has run, the init containers have done their work, whatever became of them since.
  if (apps.some(({ run, last }) => run?.startedAt !== undefined || last !== undefined)) return true;
  return containers.every((each) => !isInit(each) || initDone(each));
}

function statusOf(view: PodView, container: ContainerView, phase: Phase): Status {
  const { name, chart, run, last, restartCount } = container;
  const state = stateOf(view, container);
  const ended = phase === "Succeeded" || phase === "Failed";
  const shown = run ?? last;
  const ready = container.role === "init"
    ? state.terminated?.exitCode === 0
    : chart.kind === "running" && chart.ready && !ended && state.running !== undefined;
  const previous = lastStateOf(container, state);
  return {
    name,
    state,
    lastState: previous === undefined ? {} : { terminated: terminated(previous) },
    ready,
    restartCount,
    image: shown?.image ?? container.image,
    imageID: shown?.imageId ?? "",
    ...(shown === undefined ? {} : { containerID: shown.containerId }),
    started: chart.kind === "running" && chart.started && state.running !== undefined,
  } as Status;
}

/** The end of the run before the one that `state` shows. */
function lastStateOf({ run, last }: ContainerView, state: State): Run | undefined {
  if (state.terminated !== undefined) return last;
  return run?.finishedAt === undefined ? last : run;
}

function stateOf(view: PodView, { role, chart, run, trouble }: ContainerView): State {
  if (run?.finishedAt !== undefined && chart.kind !== "waiting") return { terminated: terminated(run) };
  if (chart.kind === "running" && run?.startedAt !== undefined) return { running: { startedAt: run.startedAt } };
  if (chart.kind === "terminated" && trouble === undefined && view.ended !== undefined && run !== undefined) {
    return { terminated: terminated(run) };
  }
  if (chart.reason === "trouble" || chart.reason === "ImagePullBackOff" || chart.reason === "CrashLoopBackOff") {
    const reason = chart.reason === "trouble" ? trouble?.reason ?? "ContainerCreating" : chart.reason;
    const message = trouble?.message;
    return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  }
  // Made anew without delay after it ended: how it ended is what there is to say.
  if (run?.finishedAt !== undefined) return { terminated: terminated(run) };
  const initializing = role === "app" && !initialized(view);
  const reason = initializing || role === "init" || role === "sidecar" ? "PodInitializing" : "ContainerCreating";
  return { waiting: { reason } };
}

function terminated(run: Run): NonNullable<State["terminated"]> {
  const { containerId, startedAt, finishedAt, exitCode = 0, signal, reason, message } = run;
  return {
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    reason: reason ?? (exitCode === 0 ? "Completed" : "Error"),
    ...(message === undefined || message === "" ? {} : { message }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    containerID: containerId,
  } as NonNullable<State["terminated"]>;
}

type Judgement = { readonly status: "True" | "False"; readonly reason?: string; readonly message?: string };

function conditionsOf(view: PodView, phase: Phase): Condition[] {
  const before = view.pod.status?.conditions ?? [];
  const containers = containersReady(view, phase);
  const judged: [string, Judgement][] = [
    ["PodReadyToStartContainers", { status: view.sandboxReady ? "True" : "False" }],
    ["Initialized", initializedJudgement(view, phase)],
    ["Ready", ready(view, containers)],
    ["ContainersReady", containers],
  ];
  const ours = judged.map(([type, judgement]) => condition(view, before, type, judgement));
  const others = before.filter(({ type }) => !judged.some(([name]) => name === type));
  return [...ours, ...others];
}

function condition(view: PodView, before: readonly Condition[], type: string, judgement: Judgement): Condition {
  const old = before.find((each) => each.type === type);
  const since = old?.status === judgement.status ? old.lastTransitionTime ?? view.now : view.now;
  return {
    type,
    ...(view.pod.metadata.generation === undefined ? {} : { observedGeneration: view.pod.metadata.generation }),
    status: judgement.status,
    lastProbeTime: null,
    lastTransitionTime: since,
    ...(judgement.reason === undefined ? {} : { reason: judgement.reason }),
    ...(judgement.message === undefined ? {} : { message: judgement.message }),
  } as unknown as Condition;
}

const listed = (names: readonly string[]): string => `[${names.join(" ")}]`;

function initializedJudgement(view: PodView, phase: Phase): Judgement {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (initialized(view)) return { status: "True" };
  const left = view.containers.filter((each) => isInit(each) && !initDone(each)).map(({ name }) => name);
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: ${listed(left)}`,
  };
}

function containersReady(view: PodView, phase: Phase): Judgement {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const counted = view.containers.filter(({ role }) => role === "app" || role === "sidecar");
  const unready = counted.filter(({ chart, run }) =>
    chart.kind !== "running" || !chart.ready || run?.finishedAt !== undefined
  ).map(({ name }) => name);
  if (unready.length === 0) return { status: "True" };
  const message = `containers with unready status: ${listed(unready)}`;
  return { status: "False", reason: "ContainersNotReady", message };
}

function ready(view: PodView, containers: Judgement): Judgement {
  if (containers.status === "False") return containers;
  const gates = (view.pod.spec?.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const conditions = view.pod.status?.conditions ?? [];
  const waiting = gates.flatMap((gate) => {
    const found = conditions.find(({ type }) => type === gate);
    if (found === undefined) return [`corresponding condition of pod readiness gate "${gate}" does not exist.`];
    return found.status === "True"
      ? []
      : [`the status of pod readiness gate "${gate}" is not "True", but ${found.status}`];
  });
  if (waiting.length === 0) return { status: "True" };
  return { status: "False", reason: "ReadinessGatesNotReady", message: waiting.join(", ") };
}
