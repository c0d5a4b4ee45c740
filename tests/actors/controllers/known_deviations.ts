/**
 * Where our controllers and scheduler answer otherwise than the recorded ones, and why. Each row takes the difference out
 * of both worlds before they are compared.
 */
import { copyJson } from "../../../machines/objects/json.ts";

type Json = Record<string, unknown>;

interface Deviation {
  readonly of: readonly string[];
  readonly why: string;
  forget(object: Json): unknown;
}

const deviations: readonly Deviation[] = [
  {
    of: ["endpoints", "endpointslices"],
    why: "the time of the change that led to the endpoints feeds a metric of kube-proxy's delay only",
    forget: (object) => dropKey(metadata(object), "annotations", "endpoints.kubernetes.io/last-change-trigger-time"),
  },
  {
    of: ["endpointslices"],
    why: "in how many writes the same endpoints came about is a matter of timing",
    forget: (object) => delete metadata(object)["generation"],
  },
  {
    of: ["pods"],
    why: "the zone of its node becomes a label of a pod by admission of its binding (PodTopologyLabels)",
    forget: (object) => dropKey(metadata(object), "labels", "topology.kubernetes.io/zone"),
  },
  {
    of: ["nodes"],
    why: "how long kubelets may cache secrets is a hint of the recorded build's ttl controller",
    forget: (object) => dropKey(metadata(object), "annotations", "node.alpha.kubernetes.io/ttl"),
  },
  {
    of: ["pods"],
    why: "which of several equal nodes is chosen is drawn",
    forget: (pod) => {
      forEach(pod, (part) => {
        for (const field of ["nodeName", "nominatedNodeName"]) if (part[field] !== undefined) part[field] = "<node>";
      });
      metadata(pod)["name"] = drawn(metadata(pod)["name"]);
    },
  },
  {
    of: ["events"],
    why: "which of several equal nodes is chosen is drawn",
    forget: (event) => {
      event["message"] = drawn(event["message"]);
      metadata(event)["name"] = drawn(metadata(event)["name"]);
      const about = event["involvedObject"] as Json;
      about["name"] = drawn(about["name"]);
    },
  },
  {
    of: ["endpoints", "endpointslices"],
    why: "which of several equal nodes is chosen is drawn, and with it the zone",
    forget: (object) =>
      forEach(object, (part) => {
        if (part["nodeName"] !== undefined) part["nodeName"] = "<node>";
        if (part["zone"] !== undefined) part["zone"] = "<zone>";
      }),
  },
];

export function forgotten(resource: string, object: Json): Json {
  const copy = copyJson(object) as Json;
  for (const { of, forget } of deviations) if (of.includes(resource)) forget(copy);
  return copy;
}

/** Nodes, and the pods `low0` to `low2` that are alike but for their nodes. */
function drawn(text: unknown): string {
  return String(text).replace(/\b(to|on node) n\d$/, "$1 <node>").replace(/\blow\d\b/g, "low<n>");
}

function metadata(object: Json): Json {
  return object["metadata"] as Json;
}

/** An empty map goes with its last key. */
function dropKey(object: Json, member: string, key: string): void {
  const { [key]: _, ...rest } = (object[member] ?? {}) as Json;
  if (Object.keys(rest).length > 0) object[member] = rest;
  else delete object[member];
}

function forEach(value: unknown, visit: (part: Json) => void): void {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value)) visit(value as Json);
  for (const each of Object.values(value)) forEach(each, visit);
}
