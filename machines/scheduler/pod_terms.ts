/** A pod's affinity to other pods, made ready for matching (Kubernetes docs, "Inter-pod affinity and anti-affinity"). */
import { type Labels, type LabelSelector, matchesLabels, requirementsOf } from "../objects/label_selector.ts";
import type { Pod, PodSpec } from "../objects/object.ts";
import type { ClusterView } from "./plugin.ts";
import type { PlacedPod } from "./pod_index.ts";

type PodAffinity = NonNullable<NonNullable<PodSpec["affinity"]>["podAffinity"]>;
type Term = NonNullable<PodAffinity["requiredDuringSchedulingIgnoredDuringExecution"]>[number];

export interface PodTerm {
  readonly topologyKey: string;
  /** Undefined: matches no pod. */
  readonly selector: LabelSelector | undefined;
  readonly namespaces: ReadonlySet<string>;
  /** Of namespaces' labels; undefined: only the names above count. */
  readonly namespaceSelector: LabelSelector | undefined;
  /** 0 where the term is required. */
  readonly weight: number;
}

export interface PodTerms {
  readonly affinity: readonly PodTerm[];
  readonly antiAffinity: readonly PodTerm[];
  readonly preferredAffinity: readonly PodTerm[];
  readonly preferredAntiAffinity: readonly PodTerm[];
}

const none: PodTerms = { affinity: [], antiAffinity: [], preferredAffinity: [], preferredAntiAffinity: [] };

export function podTerms({ metadata, spec }: Pod): PodTerms {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return none;
  const compile = (term: Term, weight = 0) => compiled(term, metadata.namespace ?? "", weight);
  const required = (of: PodAffinity | undefined) =>
    (of?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => compile(term));
  const preferred = (of: PodAffinity | undefined) =>
    (of?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      .map(({ podAffinityTerm, weight }) => compile(podAffinityTerm, weight));
  return {
    affinity: required(podAffinity),
    antiAffinity: required(podAntiAffinity),
    preferredAffinity: preferred(podAffinity),
    preferredAntiAffinity: preferred(podAntiAffinity),
  };
}

function compiled(term: Term, ownNamespace: string, weight: number): PodTerm {
  const named = term.namespaces ?? [];
  const namespaceSelector = term.namespaceSelector === undefined ? undefined : requirementsOf(term.namespaceSelector);
  // Without any word about namespaces the pod's own is meant.
  const namespaces = named.length === 0 && term.namespaceSelector === undefined ? [ownNamespace] : named;
  const selector = term.labelSelector === undefined ? undefined : requirementsOf(term.labelSelector);
  return { topologyKey: term.topologyKey, selector, namespaces: new Set(namespaces), namespaceSelector, weight };
}

export function hasTerms(terms: PodTerms): boolean {
  return terms !== none;
}

/** The placed pods that a term means. */
export function meant({ namespaces, namespaceSelector, selector }: PodTerm, view: ClusterView): readonly PlacedPod[] {
  if (selector === undefined) return [];
  const selected = namespaceSelector === undefined
    ? []
    : view.namespaces().filter((each) => matchesLabels(namespaceSelector, view.labelsOf(each)));
  return [...new Set([...namespaces, ...selected])].flatMap((namespace) => view.podsOf(namespace, selector));
}

/** Whether a term means that pod. `labelsOf` tells a namespace's labels. */
export function meets(term: PodTerm, pod: Pod, labelsOf: (namespace: string) => Labels | undefined): boolean {
  const { namespace = "", labels } = pod.metadata;
  if (term.selector === undefined || !matchesLabels(term.selector, labels)) return false;
  return term.namespaces.has(namespace) ||
    (term.namespaceSelector !== undefined && matchesLabels(term.namespaceSelector, labelsOf(namespace)));
}
