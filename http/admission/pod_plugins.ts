/** What is filled into pods, and which pods are refused, by the plugins that look at a pod and one or two other objects. */
import type { KubeObject, PodSpec } from "../../machines/objects/object.ts";
import { forbidden } from "../machinery/errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";
import type { ClusterState } from "./cluster_state.ts";

export type MutablePodSpec = { -readonly [K in keyof PodSpec]: PodSpec[K] };

/** The spec of a pod on its way in by one of `operations`; undefined for everything else. */
export function podSpecOf(
  { attributes, operation, object }: AdmissionRequest,
  ...operations: readonly AdmissionRequest["operation"][]
): MutablePodSpec | undefined {
  if (attributes.group !== "" || attributes.resource !== "pods" || attributes.subresource !== "") return undefined;
  return operations.includes(operation) ? object?.["spec"] as MutablePodSpec | undefined : undefined;
}

const grace = 300;

/** A pod stays five minutes on a node that is not ready or cannot be reached. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit(request) {
    const spec = podSpecOf(request, "CREATE", "UPDATE");
    if (spec === undefined) return;
    for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
      const tolerated = (spec.tolerations ?? []).some((one) =>
        ((one.key ?? "") === "" || one.key === key) && ((one.effect ?? "") === "" || one.effect === "NoExecute")
      );
      if (tolerated) continue;
      const toleration = { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: grace } as const;
      spec.tolerations = [...spec.tolerations ?? [], toleration];
    }
  },
};

interface PriorityClass extends KubeObject {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: "Never" | "PreemptLowerPriority";
}

/** `priorityClassName` becomes a number, which clients may not set themselves. */
export function priority({ priorityClasses }: Pick<ClusterState, "priorityClasses">): AdmissionPlugin {
  return {
    name: "Priority",
    async admit(request) {
      const spec = podSpecOf(request, "CREATE", "UPDATE");
      if (spec === undefined) return;
      if (request.operation === "UPDATE") {
        const before = request.old?.["spec"] as PodSpec | undefined;
        if (spec.priority === undefined && before?.priority !== undefined) spec.priority = before.priority;
        if (spec.preemptionPolicy === undefined && before?.preemptionPolicy !== undefined) {
          spec.preemptionPolicy = before.preemptionPolicy;
        }
        return;
      }
      const named = spec.priorityClassName ?? "";
      const class_ = named === ""
        ? defaultClass(priorityClasses.values() as Iterable<PriorityClass>)
        : await priorityClasses.find(undefined, named) as PriorityClass | undefined;
      if (named !== "" && class_ === undefined) {
        throw refuse(request, `no PriorityClass with name ${named} was found`);
      }
      const computed = class_?.value ?? 0;
      const policy = class_?.preemptionPolicy ?? "PreemptLowerPriority";
      if (spec.priority !== undefined && spec.priority !== null && spec.priority !== computed) {
        throw refuse(
          request,
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; ` +
            `priority admission controller computed ${computed} from the given PriorityClass name`,
        );
      }
      if ((spec.preemptionPolicy ?? policy) !== policy) {
        throw refuse(
          request,
          `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; ` +
            `priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      }
      if (named === "" && class_ !== undefined) spec.priorityClassName = class_.metadata.name;
      spec.priority = computed;
      spec.preemptionPolicy = policy;
    },
    validate(request) {
      const { attributes, operation, object } = request;
      if (attributes.resource !== "priorityclasses" || attributes.group !== "scheduling.k8s.io") return;
      if ((operation !== "CREATE" && operation !== "UPDATE") || (object as PriorityClass).globalDefault !== true) {
        return;
      }
      const other = defaultClass(priorityClasses.values() as Iterable<PriorityClass>);
      if (other === undefined || other.metadata.name === object?.metadata.name) return;
      const why = `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
      throw forbidden(attributes, object?.metadata.name ?? "", why);
    },
  };
}

/** Where by accident several say so, the least. */
function defaultClass(classes: Iterable<PriorityClass>): PriorityClass | undefined {
  return [...classes].filter((one) => one.globalDefault === true).sort((a, b) => a.value - b.value)[0];
}

interface RuntimeClass extends KubeObject {
  handler: string;
  overhead?: { podFixed?: Record<string, string> };
  scheduling?: { nodeSelector?: Record<string, string>; tolerations?: PodSpec["tolerations"] };
}

/** A pod gets the overhead, node selector and tolerations of its runtime class. */
export function runtimeClass({ runtimeClasses }: Pick<ClusterState, "runtimeClasses">): AdmissionPlugin {
  return {
    name: "RuntimeClass",
    async admit(request) {
      const spec = podSpecOf(request, "CREATE");
      const name = spec?.runtimeClassName ?? "";
      if (spec === undefined || name === "") return;
      const class_ = await runtimeClasses.find(undefined, name) as RuntimeClass | undefined;
      if (class_ === undefined) throw refuse(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
      const { overhead, scheduling } = class_;
      if (overhead?.podFixed !== undefined) {
        if ((spec.overhead ?? undefined) !== undefined && !sameQuantities(spec.overhead ?? {}, overhead.podFixed)) {
          throw refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
        }
        spec.overhead = overhead.podFixed;
      }
      for (const [label, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
        const own = spec.nodeSelector?.[label];
        if (own !== undefined && own !== value) {
          const why =
            `conflict: runtimeClass.scheduling.nodeSelector[${label}] = ${value}; pod.spec.nodeSelector[${label}] = ${own}`;
          throw refuse(request, why);
        }
        spec.nodeSelector = { ...spec.nodeSelector, [label]: value };
      }
      const known = new Set((spec.tolerations ?? []).map((one) => JSON.stringify(one)));
      const added = (scheduling?.tolerations ?? []).filter((one) => !known.has(JSON.stringify(one)));
      if (added.length > 0) spec.tolerations = [...spec.tolerations ?? [], ...added];
    },
    validate(request) {
      const spec = podSpecOf(request, "CREATE");
      if ((spec?.overhead ?? undefined) !== undefined && (spec?.runtimeClassName ?? "") === "") {
        throw refuse(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
      }
    },
  };
}

function sameQuantities(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  const text = (all: Readonly<Record<string, unknown>>) => JSON.stringify(Object.entries(all).sort());
  return text(one) === text(other);
}

export function refuse({ attributes }: AdmissionRequest, why: string) {
  return forbidden(attributes, attributes.name, why);
}
