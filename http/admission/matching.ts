/**
 * Which requests a policy, a binding or a webhook speaks of: rules, selectors, and equivalent forms of a resource
 * (Kubernetes docs, "Matching requests: matchPolicy").
 */
import type { Labels } from "../../machines/objects/label_selector.ts";
import type { ResourceCopy } from "../auth/follow_resource.ts";
import { notFound } from "../machinery/errors.ts";
import type { ResourceRegistry } from "../machinery/resource_registry.ts";
import type { AdmissionRequest, Resource } from "../machinery/types.ts";
import { isEmptySelector, selectorMatches } from "../resources/validation/labels.ts";
import { equivalentsOf } from "./equivalents.ts";

export interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly scope?: string;
}

export interface Criteria {
  readonly rules?: readonly Rule[];
  readonly excluded?: readonly Rule[];
  readonly matchPolicy?: string;
  readonly namespaceSelector?: unknown;
  readonly objectSelector?: unknown;
}

const configurations = new Set([
  "mutatingadmissionpolicies",
  "mutatingadmissionpolicybindings",
  "mutatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
  "validatingwebhookconfigurations",
]);

/** Questions about access, and what decides about admission itself, are never kept from anybody. */
export function isExempt({ attributes: { group, resource } }: AdmissionRequest): boolean {
  if (group === "admissionregistration.k8s.io") return configurations.has(resource);
  return (group === "authentication.k8s.io" || group === "authorization.k8s.io") && resource.endsWith("reviews");
}

export class RequestMatcher {
  constructor(readonly registry: ResourceRegistry, readonly namespaces: ResourceCopy) {}

  /** The form in which the request is meant; undefined: it is not. @throws ApiError for a namespace that is not there. */
  async matched(request: AdmissionRequest, criteria: Criteria): Promise<Resource | undefined> {
    if (!matchesObject(request, criteria.objectSelector)) return undefined;
    const { excluded = [], rules = [], matchPolicy } = criteria;
    if (this.#byRules(request, excluded, matchPolicy) !== undefined) return undefined;
    const found = rules.length === 0 ? request.resource : this.#byRules(request, rules, matchPolicy);
    if (found === undefined) return undefined;
    return await this.#matchesNamespace(request, criteria.namespaceSelector) ? found : undefined;
  }

  #byRules(request: AdmissionRequest, rules: readonly Rule[], policy = "Equivalent"): Resource | undefined {
    if (rules.some((rule) => matchesRule(request, rule, request.resource))) return request.resource;
    if (policy === "Exact" || rules.length === 0) return undefined;
    const others = equivalentsOf(this.registry, request.resource, request.attributes.subresource);
    for (const rule of rules) {
      const found = others.find((other) => matchesRule(request, rule, other));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #matchesNamespace(request: AdmissionRequest, selector: unknown): Promise<boolean> {
    const { namespace } = request.attributes;
    if (isEmptySelector(selector ?? {}) || (namespace === "" && !isNamespace(request))) return true;
    return selectorMatches(selector, await this.#namespaceLabels(request));
  }

  async #namespaceLabels(request: AdmissionRequest): Promise<Labels> {
    const { operation, object, old, attributes: { subresource, namespace, name } } = request;
    if (isNamespace(request) && subresource === "" && operation !== "DELETE") return object?.metadata.labels ?? {};
    if (isNamespace(request) && old !== undefined) return old.metadata.labels ?? {};
    const found = await this.namespaces.find(undefined, namespace === "" ? name : namespace);
    if (found === undefined) throw notFound({ group: "", resource: "namespaces" }, namespace);
    return found.metadata.labels ?? {};
  }
}

function isNamespace({ attributes: { group, resource } }: AdmissionRequest): boolean {
  return group === "" && resource === "namespaces";
}

function matchesObject({ object, old }: AdmissionRequest, selector: unknown): boolean {
  if (isEmptySelector(selector ?? {})) return true;
  return [object, old].some((each) => each?.metadata !== undefined && selectorMatches(selector, each.metadata.labels));
}

function matchesRule(request: AdmissionRequest, rule: Rule, resource: Resource): boolean {
  const { attributes, operation } = request;
  const scope = rule.scope ?? "*";
  const isNamespaced = attributes.namespace !== "" && !isNamespace(request);
  return (scope === "*" || (scope === "Namespaced") === isNamespaced) &&
    holds(rule.operations, operation) && holds(rule.apiGroups, resource.group) &&
    holds(rule.apiVersions, resource.version) && matchesResource(rule, resource.resource, attributes.subresource) &&
    ((rule.resourceNames ?? []).length === 0 || rule.resourceNames!.includes(attributes.name));
}

function holds(items: readonly string[] = [], wanted: string): boolean {
  return items.includes("*") || items.includes(wanted);
}

function matchesResource({ resources = [] }: Rule, wanted: string, wantedSub: string): boolean {
  return resources.some((each) => {
    const [resource, subresource = ""] = each.split("/", 2);
    return (resource === "*" || resource === wanted) && (subresource === "*" || subresource === wantedSub);
  });
}
