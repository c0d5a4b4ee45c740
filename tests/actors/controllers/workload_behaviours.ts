/** Workload controllers' objects in a form in which two worlds can be compared; see `behaviours.ts`. */
import { resources } from "../../../machines/objects/resources.ts";
import type { ApiClient, ResourceRef } from "../../../ports/api_client.ts";
import { comparable } from "./behaviours.ts";

type Json = Record<string, unknown>;
export type Objects = Record<string, readonly Json[]>;

const compared: Readonly<Record<string, ResourceRef>> = {
  pods: resources.pods,
  events: resources.events,
  daemonsets: resources.daemonSets,
  controllerrevisions: resources.controllerRevisions,
  statefulsets: resources.statefulSets,
  jobs: resources.jobs,
  cronjobs: resources.cronJobs,
};

export async function shootWorkloads(client: ApiClient, namespace: string): Promise<Objects> {
  const found: Record<string, readonly Json[]> = {};
  for (const [name, resource] of Object.entries(compared)) {
    found[name] = (await client.list<Json>(resource, { namespace })).items;
  }
  return found;
}

/** Revisions are told by their numbers instead of hashes; of a pod's status only the phase is compared, the kubelet's part. */
export function comparableWorkloads(objects: Objects): Record<string, Json[]> {
  let text = JSON.stringify(objects);
  for (
    const { metadata, revision } of (objects["controllerrevisions"] ?? []) as { metadata: Json; revision: number }[]
  ) {
    const hash = (metadata["labels"] as Json)["controller-revision-hash"];
    if (typeof hash === "string") text = text.replaceAll(hash, `<revision ${revision}>`);
  }
  // Jobs of CronJobs are named after the minute.
  text = text.replace(/\bc-\d{7,}\b/g, "c-<minute>");
  const renamed: Objects = JSON.parse(text);
  for (const pod of renamed["pods"] ?? []) pod["status"] = { phase: (pod["status"] as Json)["phase"] };
  return comparable(renamed, Object.keys(compared));
}
