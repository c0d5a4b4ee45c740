/** Steps of the recorded scenarios that are answered differently here, each with its reason: scenario, number of the step. */

const row11 = "the row of pods takes ephemeral containers back where 1.36 refuses them (step 11); follows from that";
const podDiff = "the message ends in a diff of Go structures, whose layout is Go's own";
const noStreams = "no kubelet and no streams in these tests; compared in tests/http/streaming";
const otherRow = "belongs to the row of the resource, compared in tests/http/resources";

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

/** Steps of the recorded kinds: file, step. */
export const kindDeviations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "25_apps_v1_DaemonSet": Object.fromEntries(
    [
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
    ].map((step) => [step, daemonSetAnnotation]),
  ),
};
