/**
 * A pod with its containers, the container runtime, the volumes and the pod's object: the charts that the kubelet runs,
 * with everything around them that may be late, fail, or die, the kubelet itself included.
 */
import type { ContainerInput, containerMachine } from "../container/container_machine.ts";
import { type PodInput, podMachine } from "../pod/pod_machine.ts";
import { phaseOf, podStatus } from "../pod/pod_status.ts";
import type { ContainerView, PodView } from "../pod/pod_view.ts";
import type { AnyMachineSnapshot } from "xstate";
import {
  type ProcessStart,
  type SystemActor,
  systemActor,
  type SystemModel,
  type SystemState,
} from "../check/system_model.ts";
import { containerActor, type ContainerWorld, type SavedStanding } from "./pod_containers.ts";
import { type PodObject, podObjectActor, type Runtime, runtimeActor, type Volumes, volumesActor } from "./pod_world.ts";

export interface PodSystemOptions {
  readonly inits?: readonly { readonly name: string; readonly sidecar: boolean }[];
  readonly apps?: readonly string[];
  readonly restartPolicy?: PodInput["restartPolicy"];
  readonly deadlineMs?: number;
  readonly container?: Partial<ContainerInput>;
  readonly world?: ContainerWorld;
  /** What users say when they delete it. */
  readonly graces?: readonly number[];
  /** Of "exits", "failures", "sandboxDeaths", "deletions", "removals", "probes", "changes". */
  readonly budgets?: Readonly<Record<string, number>>;
  readonly crashes?: number;
  readonly states?: number;
  /** Other charts than those that ship, to see whether the model notices. */
  readonly machines?: { readonly pod?: typeof podMachine; readonly container?: typeof containerMachine };
  /** Without rules about the end the search is faster. */
  readonly safetyOnly?: boolean;
}

const graceMs = 2_000;

/** What of the pod may be in the API when the kubelet dies. */
interface Reported {
  readonly ended?: "Succeeded" | "Failed";
}

export function podSystem(options: PodSystemOptions = {}): SystemModel {
  const { inits = [], apps = ["app"], restartPolicy = "Always", deadlineMs, crashes = 0 } = options;
  const budgets = {
    exits: 1,
    failures: 0,
    sandboxDeaths: 0,
    deletions: 1,
    removals: 0,
    probes: 0,
    changes: 0,
    ...options.budgets,
  };
  const names = [...inits.map(({ name }) => name), ...apps];
  const roleOf = (name: string) => {
    const init = inits.find((each) => each.name === name);
    return init === undefined ? "app" : init.sidecar ? "sidecar" : "init";
  };
  const runtime = runtimeActor(names);
  const volumes = volumesActor();
  const api = podObjectActor(options.graces ?? [graceMs]);
  const tell = (type: string) => ({ names: told, ...params }: { names: string[] }) =>
    told.map((name) => ({ to: name, event: { type, ...params } }));

  const podInput = (found: PodInput["found"]): PodInput => ({
    inits,
    apps,
    restartPolicy,
    graceMs,
    ...(deadlineMs !== undefined && { deadlineMs }),
    found,
  });
  const pod = systemActor<typeof podMachine, undefined, Reported>("pod", options.machines?.pod ?? podMachine, {
    input: podInput({ sandbox: "none", initialized: false }),
    sends: {
      createSandbox: () => ({ to: "runtime", event: { type: "sandbox.createAsked" } }),
      startSandbox: () => ({ to: "runtime", event: { type: "sandbox.startAsked" } }),
      removeSandbox: (params: object) => ({ to: "runtime", event: { type: "sandbox.removeAsked", ...params } }),
      mountVolumes: () => ({ to: "volumes", event: { type: "volumes.mountAsked" } }),
      unmountVolumes: () => ({ to: "volumes", event: { type: "volumes.unmountAsked" } }),
      prepareContainers: tell("container.prepareAsked"),
      startContainers: tell("container.startAsked"),
      stopContainers: tell("container.stopAsked"),
      reportStatus: () => ({ to: "api", event: { type: "status.written" } }),
      deleteObject: () => ({ to: "api", event: { type: "object.deleteAsked" } }),
    },
    saves: ({ snapshot, saved }) => {
      const { value } = snapshot as AnyMachineSnapshot;
      const [top] = typeof value === "string" ? [value] : Object.keys(value as object);
      if (top === "succeeded") return { ended: "Succeeded" };
      if (top === "failed") return { ended: "Failed" };
      return (saved as Reported | undefined) ?? {};
    },
  });

  const containerInput = (name: string, found: Partial<ContainerInput> = {}): ContainerInput => {
    const role = roleOf(name);
    const own = {
      sidecar: "Always",
      init: restartPolicy === "Always" ? "OnFailure" : restartPolicy,
      app: restartPolicy,
    };
    return {
      role,
      restartPolicy: own[role] as ContainerInput["restartPolicy"],
      pullPolicy: "IfNotPresent",
      needsAddress: false,
      postStart: false,
      preStop: false,
      startupProbe: false,
      readinessProbe: false,
      found: "nothing",
      standing: "none",
      crashes: 0,
      graceMs,
      ...(role === "app" ? options.container : {}),
      ...found,
    };
  };
  const world = { ...options.world, changes: budgets.changes > 0 };
  const containers = names.map((name) =>
    containerActor(name, containerInput(name), world, options.machines?.container)
  );

  const viewOf = (state: SystemState, before: string | undefined): PodView => {
    const local = state.of(pod);
    const { containers: rows } = state.of(runtime).view;
    const { ended } = local.is("succeeded") || local.is("failed") ? local.saved ?? {} : {};
    return {
      pod: { metadata: {}, status: before === undefined ? {} : { phase: before } } as unknown as PodView["pod"],
      now: "",
      startTime: "",
      hostIPs: [],
      podIPs: [],
      sandboxReady: true,
      ...(ended !== undefined && { ended }),
      containers: containers.flatMap((container): ContainerView[] => {
        const chart = state.of(container).view;
        if (chart === undefined) return [];
        const row = rows[container.name]!;
        const started = row.at === "running" || row.at === "exited";
        const run = {
          containerId: "",
          imageId: "",
          image: "",
          ...(started && { startedAt: "t" }),
          ...(row.at === "exited" && { finishedAt: "t", exitCode: row.exitCode }),
        };
        return [{
          name: container.name,
          image: "",
          role: roleOf(container.name),
          chart,
          ...(row.at !== "none" && { run }),
          ...(row.starts > 1 || (row.at === "created" && row.starts > 0)
            ? { last: { containerId: "", imageId: "", image: "", startedAt: "t", finishedAt: "t", exitCode: 0 } }
            : {}),
          restartCount: 0,
        }];
      }),
    };
  };
  const rank: Readonly<Record<string, number>> = { Pending: 0, Running: 1, Succeeded: 2, Failed: 2 };
  const isUp = (state: SystemState) => !state.of(pod).down;
  const isGone = (state: SystemState) => !state.of(pod).down && state.of(pod).is("gone");
  const nothingLeft = (state: SystemState) => {
    const { sandbox, containers: rows } = state.of(runtime).view;
    return sandbox === "none" && Object.values(rows).every(({ at }) => at === "none") &&
      !state.of(volumes).view.mounted;
  };
  const row = (state: SystemState, name: string) => state.of(runtime).view.containers[name]!;
  const starts = (before: SystemState, after: SystemState, name: string) =>
    row(before, name).at !== "running" && row(after, name).at === "running";
  const contextOf = (state: SystemState) => state.of(pod).snapshot!.context;
  const backsOff = (state: SystemState, container: (typeof containers)[number]) =>
    state.of(container).is("crashBackOff") || state.of(container).is("preparing.createBackOff");
  const objectOf = (state: SystemState): PodObject => state.of(api).view;

  return {
    actors: [pod, ...containers, runtime, volumes, api],
    network: { order: "ordered", inFlight: 24 },
    processes: [{
      name: "kubelet",
      actors: ["pod", ...names],
      restarts: (state) =>
        restarts(
          state.of(runtime).view,
          state.of(volumes).view,
          objectOf(state),
          state.of(pod).saved,
          containers.map((each) => state.of(each).saved).find((each) => each !== undefined && each !== "none"),
        ),
    }],
    crashes,
    budgets,
    always: {
      "a container never runs twice at once": (state) => state.of(runtime).view.broken === "",
      "nothing of a pod is left when its chart is gone": (state) => !isGone(state) || nothingLeft(state),
      "the object goes only when nothing of the pod is left": (state) =>
        !(isGone(state) && objectOf(state).at === "deleting"),
      "a container starts only when the pod has said so": (state) =>
        containers.every((container) =>
          !state.of(container).is("starting.wanted") || !isUp(state) ||
          (state.of(pod).snapshot!.context.standing[container.name] ?? "idle") !== "idle" ||
          state.of(pod).snapshot!.context.found.initialized
        ),
      "a pod has succeeded when all its app containers have": (state) => {
        if (!isUp(state) || state.of(pod).snapshot!.context.found.phase !== undefined) return true;
        const well = apps.every((name) => row(state, name).at === "exited" && row(state, name).exitCode === 0);
        if (state.of(pod).is("succeeded")) return well;
        return !state.of(pod).is("failed") || !well || deadlineMs !== undefined ||
          state.left("sandboxDeaths") < budgets.sandboxDeaths ||
          inits.some(({ name }) => row(state, name).at === "exited" && row(state, name).exitCode !== 0);
      },
      "under Always a pod does not end by itself": (state) =>
        restartPolicy !== "Always" || !isUp(state) || !(state.of(pod).is("succeeded") || state.of(pod).is("failed")),
      "nobody is ready whose probe has not passed": (state) =>
        options.container?.readinessProbe !== true || state.left("probes") < budgets.probes ||
        apps.every((name) => !state.of(containers[names.indexOf(name)]!).is("running.up.ready")),
      "Ready implies that every container is ready": (state) => {
        if (!isUp(state)) return true;
        const view = viewOf(state, undefined);
        if (view.containers.length < names.length) return true;
        const { conditions = [] } = podStatus(view);
        const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
        return !isReady || apps.every((name) => {
          const container = state.of(containers[names.indexOf(name)]!);
          return container.is("running.up.ready") || container.is("stopping");
        });
      },
    },
    eachStep: {
      "the phase never goes back": (before, { move }, after) => {
        if (move.do === "crash" || move.do === "restart" || !isUp(before) || !isUp(after)) return true;
        if (after.of(pod).is("terminating") || after.of(pod).is("gone")) return true;
        const was = phaseOf(viewOf(before, undefined));
        const is = phaseOf(viewOf(after, was));
        return rank[is]! > rank[was]! || is === was;
      },
      "app containers start after the init containers": (before, _, after) =>
        !apps.some((name) => starts(before, after, name)) ||
        inits.every(({ name, sidecar }) => sidecar ? row(after, name).starts > 0 : row(after, name).completed),
      "init containers run one after the other": (_, __, after) =>
        inits.filter(({ name, sidecar }) => !sidecar && row(after, name).at === "running").length <= 1,
      "sidecars outlive the main containers": (_, { move }, after) => {
        if (move.do !== "deliver" || move.message.event.type !== "container.stopAsked") return true;
        if (move.message.to === "runtime") return true;
        if (roleOf(move.message.to) !== "sidecar") return true;
        return names.every((name) => roleOf(name) === "sidecar" || row(after, name).at !== "running");
      },
      "no process is killed before it was asked to end": (before, { move }) => {
        if (move.do !== "deliver" || move.message.event.type !== "container.killAsked") return true;
        const { name } = move.message.event as unknown as { name: string };
        const { at, asked } = row(before, name);
        const local = before.of(containers[names.indexOf(name)]!);
        // Asked in vain, or told to go at once.
        return at !== "running" || asked || before.left("failures") < budgets.failures || local.down ||
          local.snapshot!.context.graceMs <= 0 || (options.graces ?? []).includes(0);
      },
      "the sandbox goes when no process runs any more": (before, { move }) => {
        if (move.do !== "deliver" || move.message.event.type !== "sandbox.removeAsked") return true;
        if (contextOf(before).found.orphan === true) return true;
        return names.every((name) => row(before, name).at !== "running");
      },
      "nobody is given a longer grace than was asked for": (_, { orders }, after) =>
        objectOf(after).at !== "deleting" || !after.of(pod).is("terminating") ||
        orders.every(({ type, params }) =>
          type !== "stopContainers" ||
          (params as { graceMs: number }).graceMs <= Math.max(...options.graces ?? [graceMs])
        ),
      "what ended for good does not start again": (before, _, after) =>
        names.every((name) => {
          if (!starts(before, after, name) || roleOf(name) === "sidecar") return true;
          const ran = row(before, name);
          const policy = containerInput(name).restartPolicy;
          // Init containers run again in a new sandbox.
          if (roleOf(name) === "init" && before.left("sandboxDeaths") < budgets.sandboxDeaths) return true;
          return policy === "Always" ||
            (policy === "OnFailure" ? !ran.completed || roleOf(name) === "init" : ran.starts === 0);
        }),
    },
    sometimes: {
      "the pod runs": (state) => !state.of(pod).down && state.of(pod).is("active.running"),
      ...(budgets.deletions > 0 && { "the pod is gone": (state) => isGone(state) && objectOf(state).at === "gone" }),
    },
    ...(options.safetyOnly ? {} : {
      leadsTo: {
        "a deleted pod goes, and leaves nothing": [
          (state) => objectOf(state).at !== "there",
          (state) => objectOf(state).at === "gone" && nothingLeft(state) && (isGone(state) || state.of(pod).down),
        ],
        "what is prepared is ready at last, or not wanted any more": [
          (state) => isUp(state) && state.of(pod).is("active.preparing"),
          (state) => !isUp(state) || !state.of(pod).is("active.preparing"),
        ],
        "who is asked to start starts": [
          (state) =>
            // A startup probe may never pass, a hook may always fail.
            options.container?.startupProbe !== true && options.container?.postStart !== true && isUp(state) &&
            Object.values(contextOf(state).standing).includes("asked"),
          (state) => !isUp(state) || !Object.values(contextOf(state).standing).includes("asked"),
        ],
        "who backs off tries again": [
          (state) => containers.some((each) => backsOff(state, each)),
          (state) => !containers.some((each) => backsOff(state, each)),
        ],
        "a pod whose containers have ended for good ends": [
          (state) =>
            isUp(state) && restartPolicy === "Never" && state.of(pod).is("active.running") &&
            apps.every((name) => row(state, name).at === "exited"),
          (state) => !isUp(state) || !state.of(pod).is("active.running"),
        ],
        "a pod whose init container has failed for good ends": [
          (state) =>
            isUp(state) && restartPolicy === "Never" && state.of(pod).is("active.initializing") &&
            inits.some(({ name }) => state.of(containers[names.indexOf(name)]!).is("failed")),
          (state) => !isUp(state) || !state.of(pod).is("active.initializing"),
        ],
      },
      fairness: { weak: ["deliver", "timer", "answer", "restart"] as const },
    }),
    limits: { states: options.states ?? 400_000 },
  };

  /** What a kubelet that starts finds in the runtime and in the API (`actors/kubelet/pod_intake.ts`, `inventory.ts`). */
  function restarts(
    { sandbox, containers: rows }: Runtime,
    { mounted }: Volumes,
    { at }: PodObject,
    reported: Reported | undefined,
    standing: SavedStanding | undefined,
  ): readonly ProcessStart[] {
    const isLeft = sandbox !== "none" || mounted || Object.values(rows).some((each) => each.at !== "none");
    if (at === "gone") {
      if (!isLeft) return [];
      const orphan = { inits: [], apps: [], restartPolicy: "Never", graceMs: 0 };
      return [{ inputs: { pod: { ...orphan, found: { sandbox: "none", initialized: true, orphan: true } } } }];
    }
    const found = {
      sandbox: sandbox === "none" ? "none" as const : sandbox === "running" ? "up" as const : "dead" as const,
      initialized: apps.some((name) => rows[name]!.at === "running" || rows[name]!.at === "exited"),
    };
    const adopted = (said: SavedStanding) =>
      Object.fromEntries(names.map((name) => {
        const { at, exitCode, starts: started } = rows[name]!;
        const is = at === "running" ? "running" : at !== "exited" ? "nothing" : exitCode === 0 ? "completed" : "failed";
        const crashesBefore = Math.max(0, started + (at === "exited" ? 1 : 0) - 1);
        const standing = is === "running" && roleOf(name) === "app" ? said : "none";
        const crashes = is === "nothing" ? 0 : Math.min(1, crashesBefore);
        return [name, containerInput(name, { found: is, standing, crashes })];
      }));
    const grace = Math.min(...options.graces ?? [graceMs]);
    const tells = at === "deleting" ? { pod: { type: "pod.deletionAsked", graceMs: grace } } : {};
    // The status may have been written before, or not.
    const phases = reported?.ended === undefined ? [{}] : [{}, { phase: reported.ended }];
    const standings = standing === undefined || standing === "none" ? ["none" as const] : ["none" as const, standing];
    return phases.flatMap((phase) =>
      standings.map((each) => ({
        inputs: { ...adopted(each), pod: podInput({ ...found, ...phase }) },
        tells,
      }))
    );
  }
}

export type PodActor = SystemActor<typeof podMachine, undefined, Reported>;
