/** A container engine whose orders and answers are steps of the pods that they were given for. */
import { labelNames, sandboxContainer } from "../../machines/pod/pod_names.ts";
import type { ContainerRuntime, LabelSelector } from "../../ports/container_runtime.ts";
import type { ObjectSteps } from "../system/object_steps.ts";
import { delegate } from "./delegate.ts";

export function tracedRuntime(runtime: ContainerRuntime, steps: ObjectSteps): ContainerRuntime {
  /** Whose a container is, while it is there. */
  const owners = new Map<string, LabelSelector>();

  async function traced<T>(what: string, labels: LabelSelector | undefined, work: () => Promise<T>): Promise<T> {
    const tell = teller(steps, labels);
    tell("kubelet", "Docker", what);
    try {
      const result = await work();
      tell("Docker", "kubelet", `${what}: done`);
      return result;
    } catch (error) {
      // What the engine says may quote what a user wrote: the kubelet's charts tell it, redacted.
      tell("Docker", "kubelet", `${what}: refused`);
      throw error;
    }
  }

  return delegate(runtime, {
    pullImage: (reference, options) =>
      traced("pull the image", options?.labels, () => runtime.pullImage(reference, options)),
    async create(draft) {
      const made = await traced(`create ${partOf(draft.labels)}`, draft.labels, () => runtime.create(draft));
      owners.set(made.id, draft.labels);
      return made;
    },
    start: (id) => traced(`start ${partOf(owners.get(id))}`, owners.get(id), () => runtime.start(id)),
    stop: (id, grace, signal) =>
      traced(`stop ${partOf(owners.get(id))}`, owners.get(id), () => runtime.stop(id, grace, signal)),
    kill: (id) => traced(`kill ${partOf(owners.get(id))}`, owners.get(id), () => runtime.kill(id)),
    async remove(id) {
      await traced(`remove ${partOf(owners.get(id))}`, owners.get(id), () => runtime.remove(id));
      owners.delete(id);
    },
    watch: (selector, sink) =>
      runtime.watch(selector, {
        event(event) {
          if (event.type === "removed") owners.delete(event.id);
          else owners.set(event.id, event.labels);
          teller(steps, event.labels)("Docker", "kubelet", `${partOf(event.labels)} ${event.type}`);
          sink.event(event);
        },
        closed: (reason) => sink.closed(reason),
      }),
  });
}

/** Without labels nobody is told of: it is no pod's, or was there before this process. */
function teller(steps: ObjectSteps, labels: LabelSelector | undefined) {
  const name = labels?.[labelNames.podName];
  return (from: "kubelet" | "Docker", to: "kubelet" | "Docker", what: string) => {
    if (labels === undefined || name === undefined) return;
    const uid = labels[labelNames.podUid];
    steps.note({
      ...steps.now(),
      from,
      to,
      what,
      resource: "pods",
      namespace: labels[labelNames.podNamespace] ?? "",
      name,
      uid,
    });
  };
}

function partOf(labels: LabelSelector | undefined): string {
  const container = labels?.[labelNames.container];
  return container === undefined || container === sandboxContainer ? "sandbox" : `container ${container}`;
}
