/** Steps of the recorded scenarios that are answered differently here, each with its reason: scenario, number of the step. */
import { assertEquals, fail } from "@std/assert";
import { jsonEquals } from "../../../machines/objects/json.ts";

/** Compares an answer with the recorded one. A deviation that is listed must be one. */
export function compared(actual: unknown, expected: unknown, deviation: string | undefined): void {
  if (deviation === undefined) return assertEquals(actual, expected);
  if (jsonEquals(actual, expected)) fail(`This is as recorded and no deviation any more: ${deviation}`);
}

const podDiff = "the message ends in a diff of Go structures, whose layout is Go's own";
const noStreams = "no kubelet and no streams in these tests; compared in tests/http/streaming";
const otherRow = "belongs to the row of the resource, compared in tests/http/resources";

const emptyText = "a text that Go always writes is owned here though it is empty";

export const deviations: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "subresources": {
    11: podDiff,
    13: podDiff,
    18: otherRow,
    19: otherRow,
    20: noStreams,
    21: noStreams,
    22: noStreams,
  },
  "events in both groups": {
    0: emptyText,
    1: emptyText,
    4: emptyText,
  },
  "names and generated names": {
    12: "the NamespaceLifecycle plugin is compared in tests/http/admission",
  },
  "http surface": {
    17: otherRow,
    18: "this is not a Go program: commit, compiler and Go version differ",
    19: "the server has checks of its own",
    22: "served by the issuer of service account tokens",
    24: "the recording has pods of other scenarios",
  },
};

const daemonSetAnnotation = "1.36 leaves an annotation that its versions differ in out of bare metadata";
const addresses = "addresses and node ports come from an admission plugin, compared in tests/http/admission";
const protection = "the finalizer comes from an admission plugin, compared in tests/http/admission";
const controller = "a controller of kube-apiserver writes its status (and finalizers)";

const withObject = [
  "create",
  "get",
  "partial",
  "table",
  "merge patch",
  "json patch",
  "strategic patch",
  "apply",
  "forced apply",
  "status",
  "delete",
];

const withSpec = withObject.filter((name) => name !== "partial");

function steps(reason: string, names: readonly string[] = withObject): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}

/** Steps of the recorded kinds: file, step. */
export const kindDeviations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "02_v1_Service": steps(addresses, withSpec),
  "03_v1_Service": steps(addresses, withSpec),
  "04_v1_Service": steps(addresses, withSpec),
  "06_v1_Service": steps(addresses),
  "13_v1_PersistentVolume": steps(protection, [...withObject, "delete again"]),
  "14_v1_PersistentVolumeClaim": steps(protection, [...withObject, "delete again"]),
  "50_storage.k8s.io_v1_VolumeAttributesClass": steps(protection, [...withObject, "delete again"]),
  "56_apiextensions.k8s.io_v1_CustomResourceDefinition": steps(controller, [
    ...withObject.slice(1),
    "delete of another uid",
  ]),
  "57_apiregistration.k8s.io_v1_APIService": steps(controller, withObject.slice(1, -1)),
  "20_v1_Event": steps(emptyText, withObject.slice(0, -1)),
  "25_apps_v1_DaemonSet": steps(daemonSetAnnotation, ["partial", "table"]),
  "36_networking.k8s.io_v1_ServiceCIDR": { table: "recorded a second later: the age" },
  "37_networking.k8s.io_v1_IPAddress": { table: "1.36 gives three cells for two columns, the row two" },
  "68_events.k8s.io_v1_Event": { table: "the event's own time is in its age" },
};
