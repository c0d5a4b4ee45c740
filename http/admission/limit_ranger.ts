/**
 * Limit ranges: defaults for the resources of containers, and what is too little, too much or too uneven (Kubernetes
 * docs, "Limit Ranges").
 */
import type { Container, KubeObject } from "../../machines/objects/object.ts";
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  type Quantity,
  quantityOf,
} from "../../machines/objects/quantity.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type MutablePodSpec, podSpecOf, refuse } from "./pod_plugins.ts";

type Quantities = Readonly<Record<string, string | number>>;
type Amounts = Readonly<Record<string, Quantity>>;

interface LimitItem {
  readonly type: string;
  readonly default?: Quantities;
  readonly defaultRequest?: Quantities;
  readonly min?: Quantities;
  readonly max?: Quantities;
  readonly maxLimitRequestRatio?: Quantities;
}

interface Resources {
  requests?: Record<string, string | number>;
  limits?: Record<string, string | number>;
}

const annotation = "kubernetes.io/limit-ranger";

export function limitRanger({ limitRanges }: Pick<ClusterState, "limitRanges">): AdmissionPlugin {
  function itemsFor({ attributes }: AdmissionRequest): LimitItem[] {
    const own = [...limitRanges.values()].filter(({ metadata }) => metadata.namespace === attributes.namespace);
    return own.flatMap((range) => ((range["spec"] as { limits?: LimitItem[] } | undefined)?.limits) ?? []);
  }

  return {
    name: "LimitRanger",
    admit(request) {
      const spec = podSpecOf(request, "CREATE");
      if (spec === undefined || request.object === undefined) return;
      for (const item of itemsFor(request)) if (item.type === "Container") setDefaults(request.object, spec, item);
    },
    validate(request) {
      const items = itemsFor(request);
      if (items.length === 0) return;
      const errors = [...podErrors(request, items), ...claimErrors(request, items)];
      if (errors.length === 0) return;
      throw refuse(request, errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]`);
    },
  };
}

function setDefaults(pod: KubeObject, spec: MutablePodSpec, item: LimitItem): void {
  const told: string[] = [];
  const groups = [["container", spec.containers], ["init container", spec.initContainers ?? []]] as const;
  for (const [word, containers] of groups) {
    for (const container of containers as (Container & { resources?: Resources })[]) {
      const resources: Resources = container.resources ??= {};
      const limits = fill(resources, "limits", item.default);
      // A request that nobody names is the limit where only that is given: as the API defaults it.
      const requests = fill(resources, "requests", { ...resources.limits, ...item.defaultRequest });
      if (requests.length > 0) told.push(`${requests.join(", ")} request for ${word} ${container.name}`);
      if (limits.length > 0) told.push(`${limits.join(", ")} limit for ${word} ${container.name}`);
    }
  }
  if (told.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${told.join("; ")}`,
  };
}

function fill(resources: Resources, field: "requests" | "limits", defaults: Quantities = {}): string[] {
  const missing = Object.keys(defaults).filter((name) => resources[field]?.[name] === undefined).sort();
  for (const name of missing) resources[field] = { ...resources[field], [name]: defaults[name]! };
  return missing;
}

function* podErrors(request: AdmissionRequest, items: readonly LimitItem[]): Generator<string> {
  const spec = podSpecOf(request, "CREATE");
  if (spec === undefined) return;
  const inits = spec.initContainers ?? [];
  for (const item of items) {
    if (item.type === "Container") {
      for (const { resources } of [...inits, ...spec.containers ?? []]) {
        yield* violations(item, amounts(resources?.requests), amounts(resources?.limits));
      }
    }
    if (item.type === "Pod") {
      yield* violations(item, ofPod(spec, "requests"), ofPod(spec, "limits"));
    }
  }
}

function* claimErrors(
  { attributes, object, operation }: AdmissionRequest,
  items: readonly LimitItem[],
): Generator<string> {
  if (attributes.resource !== "persistentvolumeclaims" || attributes.subresource !== "" || operation === "DELETE") {
    return;
  }
  const spec = object?.["spec"] as { resources?: { requests?: Quantities } } | undefined;
  for (const item of items) {
    if (item.type !== "PersistentVolumeClaim") continue;
    const asked = amounts(spec?.resources?.requests);
    yield* bound(item, "min", asked, {}, false);
    yield* bound(item, "max", asked, asked, false);
  }
}

function* violations(item: LimitItem, requests: Amounts, limits: Amounts): Generator<string> {
  yield* bound(item, "min", requests, limits, true);
  yield* bound(item, "max", requests, limits, true);
  for (const [name, text] of Object.entries(item.maxLimitRequestRatio ?? {}).sort()) {
    const [request, limit] = [requests[name], limits[name]];
    const asked = `${name} max limit to request ratio per ${item.type} is ${text}`;
    if (request === undefined || limit === undefined || request.nano === 0n) {
      yield `${asked}, but no ${request === undefined ? "request" : "limit"} is specified or request is 0`;
    } else if (limit.nano * 1_000_000_000n > quantityOf(text).nano * request.nano) {
      yield `${asked}, but provided ratio is ${(Number(limit.nano) / Number(request.nano)).toFixed(6)}`;
    }
  }
}

/** Minima hold for requests and for limits that are given, maxima for limits and for requests that are given. */
function* bound(
  item: LimitItem,
  side: "min" | "max",
  requests: Amounts,
  limits: Amounts,
  limitNeeded: boolean,
): Generator<string> {
  const word = side === "min" ? "minimum" : "maximum";
  const beyond = side === "min" ? -1 : 1;
  for (const [name, text] of Object.entries(item[side] ?? {}).sort()) {
    const edge = quantityOf(text);
    const [request, limit] = [requests[name], limits[name]];
    const rule = `${word} ${name} usage per ${item.type} is ${formatQuantity(edge)}`;
    if (side === "min" && request === undefined) yield `${rule}.  No request is specified`;
    else if (side === "max" && limitNeeded && limit === undefined) yield `${rule}.  No limit is specified`;
    else if (side === "max" && limit !== undefined && compareQuantities(limit, edge) === beyond) {
      yield `${rule}, but ${limitNeeded ? "limit" : "request"} is ${formatQuantity(limit)}`;
    } else if (request !== undefined && compareQuantities(request, edge) === beyond) {
      yield `${rule}, but request is ${formatQuantity(request)}`;
    } else if (side === "min" && limit !== undefined && compareQuantities(limit, edge) === beyond) {
      yield `${rule}, but limit is ${formatQuantity(limit)}`;
    }
  }
}

function amounts(quantities: Quantities | undefined): Amounts {
  return Object.fromEntries(Object.entries(quantities ?? {}).map(([name, text]) => [name, quantityOf(text)]));
}

/** The sum of the containers, or the largest init container where that is more. */
function ofPod(spec: MutablePodSpec, field: "requests" | "limits"): Amounts {
  const total: Record<string, Quantity> = {};
  for (const { resources } of spec.containers ?? []) {
    for (const [name, amount] of Object.entries(amounts(resources?.[field] as Quantities | undefined))) {
      total[name] = total[name] === undefined ? amount : addQuantities(total[name], amount);
    }
  }
  for (const { resources } of spec.initContainers ?? []) {
    for (const [name, amount] of Object.entries(amounts(resources?.[field] as Quantities | undefined))) {
      if (total[name] === undefined || compareQuantities(amount, total[name]) > 0) total[name] = amount;
    }
  }
  return total;
}
