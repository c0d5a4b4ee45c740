/** What the recorded controllers and scheduler made of objects, in a form in which two worlds can be compared. */
import { resources } from "../../../machines/objects/resources.ts";
import type { ApiClient, ResourceRef } from "../../../ports/api_client.ts";
import { recorded } from "../../http/oracle.ts";
import { forgotten } from "./known_deviations.ts";

type Json = Record<string, unknown>;
type Objects = Record<string, readonly Json[]>;

export interface Shot {
  readonly what: string;
  readonly objects: Objects;
  readonly namespace: Json;
  readonly nodes?: readonly Json[];
}

export interface Behaviour {
  readonly namespace: string;
  shot(what: string): Shot;
}

const compared: Readonly<Record<string, ResourceRef>> = {
  pods: resources.pods,
  services: resources.services,
  endpoints: resources.endpoints,
  endpointslices: resources.endpointSlices,
  deployments: resources.deployments,
  replicasets: resources.replicaSets,
  serviceaccounts: resources.serviceAccounts,
  events: resources.events,
};

/** The recording of one case, or undefined where it is not at hand. */
export function behaviour(name: string): Behaviour | undefined {
  const all = recorded<{ name: string; namespace: string; shots: Shot[] }[]>("behaviours.json");
  if (all === undefined) return undefined;
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new Error(`Cannot find behaviour "${name}" in the recording`);
  return {
    namespace: found.namespace,
    shot(what) {
      const shot = found.shots.find((each) => each.what === what);
      if (shot === undefined) throw new Error(`Cannot find step "${what}" of behaviour "${name}" in the recording`);
      return shot;
    },
  };
}

export async function shoot(client: ApiClient, namespace: string): Promise<Objects> {
  const found: Record<string, Json[]> = {};
  for (const [name, resource] of Object.entries(compared)) {
    const { items } = await client.list<Json>(resource, { namespace });
    found[name] = [...items];
  }
  return found;
}

/** Both worlds' objects by resource, as sorted texts without what differs by chance. */
export function comparable(objects: Objects, only?: readonly string[]): Record<string, Json[]> {
  const names = generatedNames(objects);
  const result: Record<string, Json[]> = {};
  for (const name of only ?? Object.keys(compared)) {
    const all = (objects[name] ?? []).map((object) => normal(forgotten(name, object), names) as Json);
    if (all.length > 0) result[name] = all.sort((a, b) => text(a) < text(b) ? -1 : 1);
  }
  return result;
}

export function comparableNode(node: Json): Json {
  return normal(forgotten("nodes", node), []) as Json;
}

export function comparableNamespace(namespace: Json): Json {
  return normal(namespace, []) as Json;
}

/** Generated names and what stands for them: ReplicaSets by revision, then whatever has `generateName`. */
function generatedNames(objects: Objects): [RegExp, string][] {
  const names: [RegExp, string][] = [];
  for (const set of objects["replicasets"] ?? []) {
    const { name, annotations, labels } = set["metadata"] as { name: string; annotations?: Json; labels?: Json };
    const hash = labels?.["pod-template-hash"] as string | undefined;
    if (hash === undefined) continue;
    const revision = annotations?.["deployment.kubernetes.io/revision"];
    names.push([new RegExp(`\\b${name}-[a-z0-9]{5}\\b`, "g"), `${name.slice(0, -hash.length)}<${revision}>-<pod>`]);
    names.push([new RegExp(`\\b${name}\\b`, "g"), `${name.slice(0, -hash.length)}<${revision}>`]);
    names.push([new RegExp(`\\b${hash}\\b`, "g"), `<${revision}>`]);
  }
  const prefixes = new Set<string>();
  for (const object of Object.values(objects).flat()) {
    const { generateName } = object["metadata"] as { generateName?: string };
    if (generateName !== undefined) prefixes.add(generateName);
  }
  for (const each of prefixes) names.push([new RegExp(`\\b${each}[a-z0-9]{5}\\b`, "g"), `${each}<random>`]);
  return names;
}

const dropped = new Set(["uid", "resourceVersion", "managedFields", "nodePort", "healthCheckNodePort"]);
/** Lists leave these out of their items. */
const ofTheList = new Set(["apiVersion", "kind"]);
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function normal(value: unknown, names: readonly [RegExp, string][], depth = 0): unknown {
  if (typeof value === "string") {
    if (time.test(value)) return "<time>";
    let result = value.replace(/\b10\.(0|50|60|96)\.\d+\.\d+\b/g, "<ip>")
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uid>")
      .replace(/^(kube-api-access)-[a-z0-9]{5}$/, "$1-<random>")
      .replace(/\b(default-scheduler)-\w+$/, "$1-<host>")
      .replace(/\.[0-9a-f]{14,16}$/, ".<stamp>");
    for (const [pattern, stands] of names) result = result.replace(pattern, stands);
    return result;
  }
  if (Array.isArray(value)) return value.map((each) => normal(each, names, depth + 1));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([key, each]) =>
    each !== undefined && each !== null && !dropped.has(key) && !(depth === 0 && ofTheList.has(key))
  );
  const sorted = entries.sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(sorted.map(([key, each]) => [key, normal(each, names, depth + 1)]));
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
