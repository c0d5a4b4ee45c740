/** The quality of service class of a pod, as its status tells it. */
import { compareQuantities, quantityOf } from "../../machines/objects/quantity.ts";
import { type Fields, fields, has, list } from "./fields.ts";

const counted = ["cpu", "memory"];

/** Guaranteed: cpu and memory limited everywhere and equal to requests. BestEffort: nothing asked for. */
export function qosClass(spec: Fields): "Guaranteed" | "Burstable" | "BestEffort" {
  const podLevel = fields(spec["resources"]);
  const sets = has(podLevel["requests"]) || has(podLevel["limits"])
    ? [podLevel]
    : [...list(spec["containers"]), ...list(spec["initContainers"])].map((container) => fields(container["resources"]));
  let asked = false;
  let guaranteed = true;
  for (const set of sets) {
    const requests = fields(set["requests"]);
    const limits = fields(set["limits"]);
    for (const name of counted) {
      const request = quantityOf(requests[name]);
      const limit = quantityOf(limits[name]);
      if (request.nano > 0n || limit.nano > 0n) asked = true;
      if (limit.nano === 0n) guaranteed = false;
      if (request.nano > 0n && compareQuantities(request, limit) !== 0) guaranteed = false;
    }
  }
  if (!asked) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
