/** pods/eviction: a deletion that asks the disruption budget first. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { DeleteOptions, ResourceRef } from "../../../ports/api_client.ts";
import { internal } from "../../machinery/errors.ts";
import type { SubresourceRequest } from "../../machinery/types.ts";
import { copy, ensure, type Fields, fields, has, int, list, text } from "../fields.ts";
import { isEmptySelector, selectorMatches } from "../validation/labels.ts";
import { success } from "./pod_binding.ts";

const podsRef: ResourceRef = { group: "", version: "v1", resource: "pods" };
const budgetsRef: ResourceRef = { group: "policy", version: "v1", resource: "poddisruptionbudgets" };
const maxDisruptedPods = 2000;
const retryAfterSeconds = 10;

function violates(cause: string, retry: boolean): ApiError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  const causes = [{ reason: "DisruptionBudget", message: cause }];
  return new ApiError(429, "TooManyRequests", message, { causes, ...(retry ? { retryAfterSeconds } : {}) });
}

function forbiddenBudget(name: string, why: string): ApiError {
  const message = `poddisruptionbudgets.policy "${name}" is forbidden: ${why}`;
  return new ApiError(403, "Forbidden", message, { name, group: "policy", kind: "poddisruptionbudgets" });
}

/** Pods that do not serve anybody are not counted by budgets. */
function isUncounted(pod: KubeObject): boolean {
  const phase = text(fields(pod["status"])["phase"]);
  return ["Succeeded", "Failed", "Pending"].includes(phase) || has(pod.metadata.deletionTimestamp);
}

function isReady(pod: KubeObject): boolean {
  return list(fields(pod["status"])["conditions"]).some((each) =>
    each["type"] === "Ready" && each["status"] === "True"
  );
}

/** Whether the budget's own policy lets an unready pod go without being counted. */
function mayGoUnready(pod: KubeObject, budget: KubeObject): boolean {
  if (isReady(pod)) return false;
  if (fields(budget["spec"])["unhealthyPodEvictionPolicy"] === "AlwaysAllow") return true;
  const { currentHealthy, desiredHealthy } = fields(budget["status"]);
  return int(currentHealthy) >= int(desiredHealthy) && int(desiredHealthy) > 0;
}

/** @throws ApiError when the budget allows no disruption now. */
function checkBudget(budget: KubeObject): void {
  const { name, generation } = budget.metadata;
  const status = fields(budget["status"]);
  if (int(status["observedGeneration"]) < (generation ?? 0)) {
    throw violates(`The disruption budget ${name} is still being processed by the server.`, true);
  }
  if (int(status["disruptionsAllowed"]) < 0) throw forbiddenBudget(name, "pdb disruptions allowed is negative");
  if (Object.keys(fields(status["disruptedPods"])).length > maxDisruptedPods) {
    throw forbiddenBudget(name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (int(status["disruptionsAllowed"]) === 0) {
    const needs = int(status["desiredHealthy"]);
    throw violates(
      `The disruption budget ${name} needs ${needs} healthy pods and has ${int(status["currentHealthy"])} currently`,
      false,
    );
  }
}

/** Takes one disruption from the budget, again when somebody else wrote it meanwhile. */
async function takeDisruption(request: SubresourceRequest, name: string): Promise<void> {
  const attempts = 20;
  for (let attempt = 1;; attempt++) {
    const budget = copy(await request.client.get<KubeObject>(budgetsRef, request.namespace, name));
    checkBudget(budget);
    if (request.dryRun) return;
    const status = ensure(budget, "status");
    status["disruptionsAllowed"] = int(status["disruptionsAllowed"]) - 1;
    ensure(status, "disruptedPods")[request.name] = request.now;
    try {
      await request.client.update(budgetsRef, budget, { subresource: "status" });
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 409 || attempt >= attempts) throw error;
    }
  }
}

async function askBudget(request: SubresourceRequest, pod: KubeObject): Promise<void> {
  const { items } = await request.client.list<KubeObject>(budgetsRef, { namespace: request.namespace });
  const budgets = items.filter((budget) => {
    const selector = fields(budget["spec"])["selector"];
    if (!has(selector)) return false;
    return isEmptySelector(selector) || selectorMatches(selector, pod.metadata.labels);
  });
  if (budgets.length > 1) {
    throw internal("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
  }
  const budget = budgets[0];
  if (budget === undefined || mayGoUnready(pod, budget)) return;
  await takeDisruption(request, budget.metadata.name);
}

function deleteOptions(eviction: Fields): DeleteOptions {
  const { gracePeriodSeconds, propagationPolicy, preconditions } = fields(eviction["deleteOptions"]);
  const { uid, resourceVersion } = fields(preconditions);
  return {
    ...(typeof gracePeriodSeconds === "number" ? { gracePeriodSeconds } : {}),
    ...(has(propagationPolicy)
      ? { propagationPolicy: propagationPolicy as NonNullable<DeleteOptions["propagationPolicy"]> }
      : {}),
    ...(has(preconditions)
      ? {
        preconditions: {
          ...(has(uid) ? { uid: text(uid) } : {}),
          ...(has(resourceVersion) ? { resourceVersion: text(resourceVersion) } : {}),
        },
      }
      : {}),
  };
}

export async function evictPod(request: SubresourceRequest): Promise<KubeObject> {
  const { body, name, namespace, client } = request;
  if (body === undefined) throw new ApiError(400, "BadRequest", "Cannot evict pod: the request has no Eviction");
  if (has(body.metadata.name) && body.metadata.name !== "" && body.metadata.name !== name) {
    throw new ApiError(400, "BadRequest", "name in URL does not match name in Eviction object");
  }
  const pod = await client.get<KubeObject>(podsRef, namespace, name);
  if (!isUncounted(pod)) await askBudget(request, pod);
  if (!request.dryRun) await client.delete(podsRef, namespace, name, deleteOptions(body));
  return success(201);
}
