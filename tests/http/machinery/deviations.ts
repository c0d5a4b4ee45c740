/** Steps of the recorded scenarios that are answered differently here, each with its reason: scenario, number of the step. */

const row11 = "the row of pods takes ephemeral containers back where 1.36 refuses them (step 11); follows from that";
const podDiff = "the message ends in a diff of Go structures, whose layout is Go's own";
const noStreams = "no kubelet and no streams in these tests; compared in tests/http/streaming";
const otherRow = "belongs to the row of the resource, compared in tests/http/resources";

const emptyText = "a text that Go always writes is owned here though it is empty";

export const deviations: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "subresources": {
    11: podDiff,
    13: podDiff,
    14: row11,
    15: row11,
    16: "podIPs that contradict podIP are dropped by the row of pods",
    17: otherRow,
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

const daemonSetAnnotation = "the row of daemonsets adds its annotation after defaulting: nobody owns it here";
const addresses = "addresses and node ports come from an admission plugin, compared in tests/http/admission";
const protection = "the finalizer comes from an admission plugin, compared in tests/http/admission";
const controller = "a controller of kube-apiserver writes its status (and finalizers)";
const certificateWarning = "the row of secrets does not warn of a certificate that cannot be read";
const uncounted = "the row counts generations, which 1.36 does not for this kind";

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

function steps(reason: string, names: readonly string[] = withObject): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}

/** Steps of the recorded kinds: file, step. */
export const kindDeviations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "02_v1_Service": steps(addresses),
  "03_v1_Service": steps(addresses),
  "04_v1_Service": steps(addresses),
  "06_v1_Service": steps(addresses),
  "09_v1_Secret": steps(certificateWarning, [...withObject, "create again"]),
  "13_v1_PersistentVolume": steps(protection, [...withObject, "delete again"]),
  "14_v1_PersistentVolumeClaim": steps(protection, [...withObject, "delete again"]),
  "50_storage.k8s.io_v1_VolumeAttributesClass": steps(protection, [...withObject, "delete again"]),
  "56_apiextensions.k8s.io_v1_CustomResourceDefinition": steps(controller, [
    ...withObject,
    "delete of another uid",
    "delete again",
  ]),
  "57_apiregistration.k8s.io_v1_APIService": steps(controller),
  "20_v1_Event": steps(emptyText),
  "25_apps_v1_DaemonSet": steps(daemonSetAnnotation),
  "68_events.k8s.io_v1_Event": { table: "the event's own time is in its age" },
  "36_networking.k8s.io_v1_ServiceCIDR": steps(uncounted),
  "37_networking.k8s.io_v1_IPAddress": steps(uncounted),
};
