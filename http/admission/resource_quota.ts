/**
 * ResourceQuota: what would be more than a namespace may have is refused, and what is let in is counted before it is
 * stored, so that writers at one moment cannot pass together what neither may alone (k8s.io/apiserver
 * admission/plugin/resourcequota).
 */
import type { Container, KubeObject, Pod } from "../../machines/objects/object.ts";
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  type Quantity,
  subtractQuantities,
} from "../../machines/objects/quantity.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { inScopes, type QuotaSpec } from "../../machines/quota/scopes.ts";
import { type Amounts, namesFor, toAmounts, usageOf } from "../../machines/quota/usage.ts";
import { type ApiClient, resources } from "../../ports/api_client.ts";
import type { ResourceCopy } from "../auth/follow_resource.ts";
import { conflict, forbidden } from "../machinery/errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";

/** Resources whose updates may need more than they had. */
const grows = new Set(["persistentvolumeclaims", "services", "pods"]);
const maxAttempts = 20;

export function resourceQuota(quotas: ResourceCopy, client: ApiClient): AdmissionPlugin {
  /** Who counts in a namespace waits for who counts there already. */
  const turns = new Map<string, Promise<void>>();

  return {
    name: "ResourceQuota",
    validate(request) {
      if (quotas.size === 0 || !isCounted(request)) return;
      const { namespace } = request.attributes;
      for (const quota of quotas.values()) {
        if (quota.metadata.namespace === namespace) return inTurn(namespace, () => count(request));
      }
    },
  };

  async function inTurn(namespace: string, run: () => Promise<void>): Promise<void> {
    const before = turns.get(namespace);
    const mine = (before ?? Promise.resolve()).then(run);
    const settled = mine.catch(() => {});
    turns.set(namespace, settled);
    await mine.finally(() => {
      if (turns.get(namespace) === settled) turns.delete(namespace);
    });
  }

  async function count(request: AdmissionRequest): Promise<void> {
    for (let attempt = 1;; attempt++) {
      const { namespace } = request.attributes;
      const { items } = await client.list<KubeObject>(resources.resourceQuotas, { namespace });
      const charged = items.flatMap((quota) => {
        const next = charge(request, quota);
        return next === undefined ? [] : [next];
      });
      if (request.dryRun) return;
      try {
        for (const quota of charged) {
          await client.update(resources.resourceQuotas, quota, { subresource: "status" });
        }
        return;
      } catch (error) {
        // The controller or another master counted meanwhile. What was charged already, the controller mends.
        if (!(error instanceof ApiError) || (error.code !== 409 && error.code !== 404)) throw error;
        if (attempt >= maxAttempts) throw conflict({ group: "", resource: "resourcequotas" }, "", error.message);
      }
    }
  }
}

function isCounted({ attributes, operation, resource }: AdmissionRequest): boolean {
  if (!resource.namespaced || attributes.namespace === "" || resource.answer !== undefined) return false;
  const { group, resource: name, subresource } = attributes;
  if (operation === "CREATE") return subresource === "";
  if (operation !== "UPDATE" || group !== "" || !grows.has(name)) return false;
  return name === "pods" ? subresource === "resize" : subresource === "";
}

/** The quota with what the request needs; undefined: it is not concerned. @throws ApiError 403 */
function charge(request: AdmissionRequest, quota: KubeObject): KubeObject | undefined {
  const { attributes, object, old } = request;
  if (object === undefined) return undefined;
  const { name } = quota.metadata;
  const spec = (quota["spec"] ?? {}) as QuotaSpec;
  const status = (quota.status ?? {}) as { hard?: Record<string, string>; used?: Record<string, string> };
  const hard = toAmounts(status.hard);
  const used = toAmounts(status.used);
  const names = namesFor(attributes, hard.keys());
  if (names.length === 0 || !inScopes(spec, attributes, object)) return undefined;
  const refuse = (why: string) => forbidden(attributes, attributes.name, why);
  const missing = attributes.resource === "pods" && attributes.group === ""
    ? missingIn(object as unknown as Pod, names)
    : "";
  if (missing !== "") throw refuse(`failed quota: ${name}: ${missing}`);
  if (names.some((each) => !used.has(each))) {
    throw refuse(`status unknown for quota: ${name}, resources: ${names.toSorted().join(",")}`);
  }
  const before = old !== undefined && inScopes(spec, attributes, old) ? usageOf(attributes, old) : new Map();
  const wanted = more(usageOf(attributes, object), before, names);
  if (wanted.size === 0) return undefined;
  const exceeded = [...wanted].filter(([each, amount]) =>
    compareQuantities(addQuantities(used.get(each)!, amount), hard.get(each)!) > 0
  ).map(([each]) => each);
  if (exceeded.length > 0) {
    const told = (amounts: Amounts) =>
      exceeded.map((each) => `${each}=${formatQuantity(amounts.get(each)!)}`).join(",");
    throw refuse(`exceeded quota: ${name}, requested: ${told(wanted)}, used: ${told(used)}, limited: ${told(hard)}`);
  }
  const next = Object.fromEntries([...used].map(([each, amount]) => {
    const added = wanted.get(each);
    return [each, formatQuantity(added === undefined ? amount : addQuantities(amount, added))];
  }));
  return { ...quota, status: { ...status, used: next } };
}

/** What is needed besides what was there, of these names, in their order. */
function more(now: Amounts, before: Amounts, names: readonly string[]): Map<string, Quantity> {
  const wanted = new Map<string, Quantity>();
  for (const name of names.toSorted()) {
    const amount = now.get(name);
    if (amount === undefined) continue;
    const known = before.get(name);
    const added = known === undefined ? amount : subtractQuantities(amount, known);
    if (added.nano > 0n) wanted.set(name, added);
  }
  return wanted;
}

const mustSay = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/** Where these are limited, each container has to say how much it takes. */
function missingIn({ spec }: Pod, names: readonly string[]): string {
  const required = names.filter((name) => mustSay.has(name)).sort();
  const podLevel = said(spec?.resources);
  const parts = required.flatMap((name) => {
    if (podLevel.has(name)) return [];
    const silent = [...spec?.containers ?? [], ...spec?.initContainers ?? []]
      .filter((container) => !said(container.resources).has(name))
      .map((container) => container.name);
    return silent.length === 0 ? [] : [`${name} for: ${silent.toSorted().join(",")}`];
  });
  return parts.length === 0 ? "" : `must specify ${parts.join("; ")}`;
}

function said(given: Container["resources"]): Set<string> {
  const { requests = {}, limits = {} } = given ?? {};
  return new Set([
    ...Object.keys(requests).flatMap((name) => [name, `requests.${name}`]),
    ...Object.keys(limits).map((name) => `limits.${name}`),
  ]);
}
