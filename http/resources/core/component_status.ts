/**
 * componentstatuses: deprecated, but `kubectl get cs` is still the first thing many people ask a cluster. The store is
 * well when it answers; scheduler and controller manager are well while one of them holds its lease.
 */
import type { KubeObject, Lease } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { notFound } from "../../machinery/errors.ts";
import type { SubresourceRequest } from "../../machinery/types.ts";

const leases: Readonly<Record<string, string>> = {
  "scheduler": "kube-scheduler",
  "controller-manager": "kube-controller-manager",
};
const names = ["scheduler", "controller-manager", "etcd-0"];

export async function componentStatuses(request: SubresourceRequest): Promise<KubeObject> {
  if (request.attributes.verb === "list") {
    const items = await Promise.all(names.map((name) => statusOf(name, request)));
    return { kind: "ComponentStatusList", apiVersion: "v1", metadata: {}, items } as unknown as KubeObject;
  }
  if (!names.includes(request.name)) throw notFound(request.resource, request.name);
  const status = { kind: "ComponentStatus", apiVersion: "v1", ...await statusOf(request.name, request) };
  return status as unknown as KubeObject;
}

async function statusOf(name: string, request: SubresourceRequest) {
  const problem = await problemOf(leases[name], request);
  const condition = problem === undefined
    ? { type: "Healthy", status: "True", message: "ok" }
    : { type: "Healthy", status: "False", message: problem };
  return { metadata: { name }, conditions: [condition] };
}

/** What is wrong with the holder of a lease, or with the store where none is named. */
async function problemOf(lease: string | undefined, { client, now }: SubresourceRequest): Promise<string | undefined> {
  try {
    const name = lease ?? Object.values(leases)[0]!;
    const { spec } = await client.get<Lease>(resources.leases, "kube-system", name);
    if (lease === undefined) return undefined;
    const { holderIdentity = "", renewTime = "", leaseDurationSeconds = 15 } = spec ?? {};
    if (holderIdentity === "") return `nobody holds the lease kube-system/${name}`;
    const lateMs = Date.parse(now) - Date.parse(String(renewTime)) - leaseDurationSeconds * 1000;
    return lateMs > 0
      ? `${holderIdentity} has not renewed the lease kube-system/${name} since ${renewTime}`
      : undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code !== 404) return error.message;
    return lease === undefined ? undefined : `nobody has ever held the lease kube-system/${lease}`;
  }
}
