/** Keeps what a quota's status says is used in step with what is there (kube-controller-manager's resourcequota). */
import { jsonEquals } from "../../objects/json.ts";
import { keyOf, type KubeObject } from "../../objects/object.ts";
import { canonicalQuantity, formatQuantity, type Quantity } from "../../objects/quantity.ts";
import { resources } from "../../objects/resources.ts";
import { inScopes, type QuotaSpec } from "../../quota/scopes.ts";
import { type Amounts, namesFor, sum, usageOf } from "../../quota/usage.ts";
import { type Caches, type Controller, ownKey, type Plan } from "../controller.ts";
import type { ResourceKind, ResourceTable } from "../resource_table.ts";

/** Events come by the thousand; counting them takes a quota that names them, and nobody's does. */
const uncounted = new Set(["events"]);

/** How long until a count is made again: soon after one that changed something, whose caches may have been behind. */
const recountMs = { changed: 5_000, unchanged: 300_000 };

/**
 * Keys are quotas, "namespace/name". What comes into being is counted by admission before it is there: a count at that
 * moment would miss it. So only what goes, or needs less, is a reason to count anew.
 */
export function resourceQuotaController({ all }: ResourceTable): Controller {
  const counted = all.filter(({ resource, namespaced }) => namespaced && !uncounted.has(resource.resource));
  return {
    name: "resourcequota-controller",
    account: "resourcequota-controller",
    watches: [
      {
        resource: resources.resourceQuotas,
        keys: (quota, previous) => jsonEquals(quota["spec"], previous?.["spec"]) ? [] : ownKey(quota),
      },
      ...counted.filter(({ resource }) => resource.resource !== "resourcequotas").map(({ resource }) => ({
        resource,
        keys: (object: KubeObject, previous: KubeObject | undefined, caches: Caches) => {
          const quotas = caches.of(resources.resourceQuotas).inNamespace(object.metadata.namespace ?? "");
          if (quotas.length === 0) return [];
          const isLess = previous === undefined
            ? caches.of(resource).get(keyOf(object)) === undefined
            : needsLess(usageOf(resource, object), usageOf(resource, previous));
          return isLess ? quotas.flatMap(ownKey) : [];
        },
      })),
    ],
    plan(key, caches): Plan | undefined {
      const quota = caches.of(resources.resourceQuotas).get(key);
      if (quota === undefined) return undefined;
      const spec = (quota["spec"] ?? {}) as QuotaSpec;
      const hard = Object.fromEntries(
        Object.entries(spec.hard ?? {}).map(([name, text]) => [name, canonicalQuantity(text)]),
      );
      const status = { hard, used: usedBy(spec, quota.metadata.namespace ?? "", counted, caches) };
      if (jsonEquals(status, quota.status ?? {})) return { writes: [], againAfterMs: recountMs.unchanged };
      const object = { ...quota, status };
      return {
        writes: [{ type: "update", resource: resources.resourceQuotas, object, subresource: "status" }],
        againAfterMs: recountMs.changed,
      };
    },
  };
}

function needsLess(now: Amounts, before: Amounts): boolean {
  return [...before].some(([name, { nano }]) => (now.get(name)?.nano ?? 0n) < nano);
}

function usedBy(
  spec: QuotaSpec,
  namespace: string,
  counted: readonly ResourceKind[],
  caches: Caches,
): Record<string, string> {
  const names = Object.keys(spec.hard ?? {});
  let total: Map<string, Quantity> = new Map();
  for (const { resource } of counted) {
    const own = namesFor(resource, names);
    if (own.length === 0) continue;
    for (const object of caches.of(resource).inNamespace(namespace)) {
      if (!inScopes(spec, resource, object)) continue;
      total = sum(total, new Map([...usageOf(resource, object)].filter(([name]) => own.includes(name))));
    }
  }
  return Object.fromEntries(names.map((name) => {
    const amount = total.get(name);
    return [name, amount === undefined ? "0" : formatQuantity(amount)];
  }));
}
