/** pods: the strategy of the main resource and of its subresources that change the pod. */
import { warnOfPod } from "../validation/pod_warnings.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource, Strategy, StrategyContext } from "../../machinery/types.ts";
import { podColumns } from "../columns/pod_columns.ts";
import { containersOf, setPodSpecDefaults } from "../defaults/pod_spec.ts";
import { defaultTo, ensure, type Fields, fields, has, int, isFields, list, text } from "../fields.ts";
import { qosClass } from "../pod_qos.ts";
import { connectSubresource, proxyVerbs, row, statusSubresource } from "../row.ts";
import { forbidden, path } from "../validation/field.ts";
import { validateIP } from "../validation/ip.ts";
import { validatePodSpec } from "../validation/pod_spec.ts";
import {
  validateEphemeralUpdate,
  validatePodUpdate,
  validateResize,
  validateStateTransitions,
} from "../validation/pod_update.ts";
import { bindPod } from "./pod_binding.ts";
import { evictPod } from "./pod_eviction.ts";

const specOf = (pod: KubeObject): Fields => fields(pod["spec"]);
const statusOf = (pod: KubeObject): Fields => fields(pod["status"]);

function setDefaults(pod: KubeObject): void {
  const spec = ensure(pod, "spec");
  setPodSpecDefaults(spec);
  defaultTo(spec, { enableServiceLinks: true });
  for (const { container } of containersOf(spec)) {
    requestLimits(ensure(container, "resources"));
    if (spec["hostNetwork"] === true) {
      for (const port of list(container["ports"])) {
        if (int(port["hostPort"]) === 0) port["hostPort"] = port["containerPort"];
      }
    }
  }
  if (isFields(spec["resources"])) requestLimits(spec["resources"]);
  if (isFields(pod["status"])) settleAddresses(pod["status"]);
}

/** podIP is the first of podIPs; where the two contradict each other, podIP counts. */
function settleAddresses(status: Fields): void {
  const first = list(status["podIPs"])[0]?.["ip"];
  const ip = text(status["podIP"]);
  if (ip === "" && text(first) !== "") status["podIP"] = first;
  else if (ip !== "" && ip !== first) status["podIPs"] = [{ ip }];
}

/** What is limited and not requested is requested at its limit. */
function requestLimits(resources: Fields): void {
  const limits = resources["limits"];
  if (!isFields(limits) || Object.keys(limits).length === 0) return;
  defaultTo(ensure(resources, "requests"), limits);
}

function prepareForCreate(pod: KubeObject, { now }: StrategyContext): void {
  const spec = ensure(pod, "spec");
  mirrorServiceAccount(spec);
  pod["status"] = { phase: "Pending", qosClass: qosClass(spec) };
  if (list(spec["schedulingGates"]).length > 0) {
    fields(pod["status"])["conditions"] = [{
      lastProbeTime: null,
      lastTransitionTime: now,
      message: "Scheduling is blocked due to non-empty scheduling gates",
      reason: "SchedulingGated",
      status: "False",
      type: "PodScheduled",
    }];
  }
}

function mirrorServiceAccount(spec: Fields): void {
  if (text(spec["serviceAccountName"]) !== "") spec["serviceAccount"] = spec["serviceAccountName"];
}

function validate(pod: KubeObject): FieldError[] {
  const spec = specOf(pod);
  const errors = validatePodSpec(spec, path("spec"));
  if (list(spec["ephemeralContainers"]).length > 0) {
    errors.push(forbidden(path("spec", "ephemeralContainers"), "cannot be set on create"));
  }
  if (list(spec["schedulingGates"]).length > 0 && text(spec["nodeName"]) !== "") {
    errors.push(forbidden(path("spec", "nodeName"), "cannot be set until all schedulingGates have been cleared"));
  }
  return errors;
}

function prepareForUpdate(next: KubeObject, old: KubeObject, { subresource }: StrategyContext): void {
  const spec = ensure(next, "spec");
  mirrorServiceAccount(spec);
  if (subresource === "ephemeralcontainers") {
    const ephemeralContainers = spec["ephemeralContainers"];
    next["spec"] = { ...specOf(old), ...(has(ephemeralContainers) ? { ephemeralContainers } : {}) };
    next["status"] = old["status"];
    return;
  }
  if (subresource === "status") {
    defaultTo(ensure(next, "status"), { qosClass: statusOf(old)["qosClass"] });
    return;
  }
  next["status"] = old["status"];
}

function validateUpdate(next: KubeObject, old: KubeObject, { subresource }: StrategyContext): FieldError[] {
  const now = specOf(next);
  const before = specOf(old);
  if (subresource === "ephemeralcontainers") return validateEphemeralUpdate(now, before);
  if (subresource === "resize") return validateResize(now, before, { next: qosClass(now), old: qosClass(before) });
  return validatePodUpdate(now, before);
}

function validateStatusUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  return [
    ...validateStateTransitions(statusOf(next), statusOf(old), specOf(old)),
    ...validateAddresses(statusOf(next)),
  ];
}

/** What proxies and name servers hand on must be an address. */
function validateAddresses(status: Fields): FieldError[] {
  const at = path("status").child("podIPs");
  const all = has(status["podIPs"]) ? list(status["podIPs"]).map((each) => text(each["ip"])) : [text(status["podIP"])];
  return all.flatMap((ip, index) => ip === "" ? [] : validateIP(ip, at.index(index)));
}

const finished = new Set(["Succeeded", "Failed"]);

/** A pod that nobody runs goes at once. */
function defaultGracePeriodSeconds(pod: KubeObject): number {
  if (text(specOf(pod)["nodeName"]) === "" || finished.has(text(statusOf(pod)["phase"]))) return 0;
  const grace = specOf(pod)["terminationGracePeriodSeconds"];
  return has(grace) ? Math.max(int(grace), 0) : 30;
}

function podIP(pod: KubeObject): string {
  return text(list(statusOf(pod)["podIPs"])[0]?.["ip"]) || text(statusOf(pod)["podIP"]);
}

export const podStrategy: Strategy = {
  setDefaults,
  prepareForCreate,
  validate,
  prepareForUpdate,
  validateUpdate,
  validateStatusUpdate,
  defaultGracePeriodSeconds,
  warnings: warnOfPod,
  returnsDeletedObject: true,
  selectableFields: {
    "spec.nodeName": (pod) => text(specOf(pod)["nodeName"]),
    "spec.restartPolicy": (pod) => text(specOf(pod)["restartPolicy"]),
    "spec.schedulerName": (pod) => text(specOf(pod)["schedulerName"]),
    "spec.serviceAccountName": (pod) => text(specOf(pod)["serviceAccountName"]),
    "spec.hostNetwork": (pod) => String(specOf(pod)["hostNetwork"] === true),
    "status.phase": (pod) => text(statusOf(pod)["phase"]),
    "status.podIP": podIP,
    "status.nominatedNodeName": (pod) => text(statusOf(pod)["nominatedNodeName"]),
  },
};

export const pods: Resource = row({
  group: "",
  version: "v1",
  resource: "pods",
  kind: "Pod",
  shortNames: ["po"],
  categories: ["all"],
  strategy: podStrategy,
  columns: podColumns,
  subresources: {
    attach: connectSubresource("PodAttachOptions", ["create", "get"]),
    binding: { verbs: ["create"], kind: { group: "", version: "v1", kind: "Binding" }, handle: bindPod },
    ephemeralcontainers: { verbs: ["get", "patch", "update"] },
    eviction: { verbs: ["create"], kind: { group: "policy", version: "v1", kind: "Eviction" }, handle: evictPod },
    exec: connectSubresource("PodExecOptions", ["create", "get"]),
    log: { verbs: ["get"] },
    portforward: connectSubresource("PodPortForwardOptions", ["create", "get"]),
    proxy: connectSubresource("PodProxyOptions", proxyVerbs),
    resize: { verbs: ["get", "patch", "update"] },
    status: statusSubresource,
  },
});
