import { apiVersionOf } from "../../../http/machinery/resource_registry.ts";
import { recorded } from "../oracle.ts";
import { compared, kindDeviations } from "./deviations.ts";
import { normalised } from "./normalise.ts";
import { type TestApi, testApi, testResources } from "./test_api.ts";

interface Answer {
  readonly code: number;
  readonly body?: { readonly metadata?: { readonly namespace?: string; readonly name?: string } };
  readonly reason?: string;
  readonly message?: string;
  readonly details?: unknown;
}

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly manifest: { readonly metadata: { readonly name: string } };
  readonly create: { readonly response: Answer; readonly again?: Answer } & Readonly<Record<string, Answer>>;
  readonly update?: Readonly<Record<string, Answer>>;
  readonly patch?: Readonly<Record<string, Answer>>;
  readonly [step: string]: unknown;
}

const files = [
  "00_v1_Pod",
  "01_v1_Pod",
  "02_v1_Service",
  "03_v1_Service",
  "04_v1_Service",
  "05_v1_Service",
  "06_v1_Service",
  "07_v1_ConfigMap",
  "08_v1_Secret",
  "09_v1_Secret",
  "10_v1_Namespace",
  "11_v1_Node",
  "12_v1_ServiceAccount",
  "13_v1_PersistentVolume",
  "14_v1_PersistentVolumeClaim",
  "15_v1_ReplicationController",
  "16_v1_ResourceQuota",
  "17_v1_LimitRange",
  "18_v1_PodTemplate",
  "19_v1_Endpoints",
  "20_v1_Event",
  "21_apps_v1_Deployment",
  "22_apps_v1_Deployment",
  "23_apps_v1_ReplicaSet",
  "24_apps_v1_StatefulSet",
  "25_apps_v1_DaemonSet",
  "26_apps_v1_ControllerRevision",
  "27_batch_v1_Job",
  "28_batch_v1_Job",
  "29_batch_v1_CronJob",
  "30_autoscaling_v2_HorizontalPodAutoscaler",
  "31_autoscaling_v1_HorizontalPodAutoscaler",
  "32_policy_v1_PodDisruptionBudget",
  "33_networking.k8s.io_v1_Ingress",
  "34_networking.k8s.io_v1_IngressClass",
  "35_networking.k8s.io_v1_NetworkPolicy",
  "36_networking.k8s.io_v1_ServiceCIDR",
  "37_networking.k8s.io_v1_IPAddress",
  "38_discovery.k8s.io_v1_EndpointSlice",
  "39_coordination.k8s.io_v1_Lease",
  "40_rbac.authorization.k8s.io_v1_Role",
  "41_rbac.authorization.k8s.io_v1_ClusterRole",
  "42_rbac.authorization.k8s.io_v1_RoleBinding",
  "43_rbac.authorization.k8s.io_v1_ClusterRoleBinding",
  "44_scheduling.k8s.io_v1_PriorityClass",
  "45_storage.k8s.io_v1_StorageClass",
  "46_storage.k8s.io_v1_CSIDriver",
  "47_storage.k8s.io_v1_CSINode",
  "48_storage.k8s.io_v1_VolumeAttachment",
  "49_storage.k8s.io_v1_CSIStorageCapacity",
  "50_storage.k8s.io_v1_VolumeAttributesClass",
  "51_node.k8s.io_v1_RuntimeClass",
  "52_admissionregistration.k8s.io_v1_ValidatingWebhookConfiguration",
  "53_admissionregistration.k8s.io_v1_MutatingWebhookConfiguration",
  "54_admissionregistration.k8s.io_v1_ValidatingAdmissionPolicy",
  "55_admissionregistration.k8s.io_v1_ValidatingAdmissionPolicyBinding",
  "56_apiextensions.k8s.io_v1_CustomResourceDefinition",
  "57_apiregistration.k8s.io_v1_APIService",
  "58_certificates.k8s.io_v1_CertificateSigningRequest",
  "59_flowcontrol.apiserver.k8s.io_v1_FlowSchema",
  "60_flowcontrol.apiserver.k8s.io_v1_PriorityLevelConfiguration",
  "61_resource.k8s.io_v1_DeviceClass",
  "62_resource.k8s.io_v1_ResourceClaim",
  "63_authorization.k8s.io_v1_SelfSubjectAccessReview",
  "64_authorization.k8s.io_v1_SubjectAccessReview",
  "65_authorization.k8s.io_v1_SelfSubjectRulesReview",
  "66_authentication.k8s.io_v1_TokenReview",
  "67_authentication.k8s.io_v1_SelfSubjectReview",
  "68_events.k8s.io_v1_Event",
];

const as = (view: string) => `application/json;as=${view};v=v1;g=meta.k8s.io`;
const patchType = (kind: string) => ({ "content-type": `application/${kind}` });
const labels = (values: unknown) => ({ metadata: { labels: values } });

for (const file of files) {
  const kind = recorded<Kind>(`kinds/${file}.json`);
  if (kind === undefined) break;
  const { apiVersion } = kind;
  const row = testResources().find((one) => one.kind === kind.kind && apiVersionOf(one) === apiVersion);
  // Reviews are answered, not stored; other rows may not be there yet.
  if (row === undefined || row.answer !== undefined) continue;
  Deno.test(`the API treats ${file} as recorded`, async (t) => {
    const test = await testApi();
    const known = kindDeviations[file] ?? {};
    const created = kind.create.response.body!;
    const namespace = created.metadata?.namespace ?? "";
    const { name } = kind.manifest.metadata;
    const [group, version] = kind.apiVersion.includes("/") ? kind.apiVersion.split("/") : ["", kind.apiVersion];
    const resource = row;
    const base = `${group === "" ? "/api" : `/apis/${group}`}/${version}`;
    const collection = `${base}/${resource.namespaced ? `namespaces/${namespace}/` : ""}${resource.resource}`;
    const item = `${collection}/${name}`;
    const step = async (
      what: string,
      expected: Answer | undefined,
      [method, path, body, headers]: [string, string, unknown?, Record<string, string>?],
    ) => {
      const answer = await ask(test, method, path, body, headers);
      if (expected !== undefined) await t.step(what, () => compare(answer, expected, namespace, known[what]));
    };
    const configuration = (ap: string) => ({
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      metadata: { name, labels: { ap } },
    });
    await step("create", kind.create.response, ["POST", collection, kind.manifest]);
    await step("create again", kind.create.again, ["POST", collection, kind.manifest]);
    await step("get", kind.get as Answer, ["GET", item]);
    await step("partial", kind.partial as Answer, ["GET", item, undefined, { accept: as("PartialObjectMetadata") }]);
    await step("table", kind.table as Answer, ["GET", item, undefined, { accept: as("Table") }]);
    await step("missing", kind.missing as Answer, ["GET", `${collection}/nope`]);
    await step("bad field selector", kind.badFieldSelector as Answer, [
      "GET",
      `${collection}?fieldSelector=spec.nope%3Dx`,
    ]);
    await step("bad label selector", kind.badLabelSelector as Answer, ["GET", `${collection}?labelSelector=a!!b`]);
    const stored = (await ask(test, "GET", item)).body as { metadata: Record<string, unknown> };
    const changed = (metadata: object) => ({ ...stored, metadata: { ...stored.metadata, ...metadata } });
    const { staleResourceVersion, otherUid, otherName } = kind.update ?? {};
    await step("stale update", staleResourceVersion, ["PUT", item, changed({ resourceVersion: "1" })]);
    const uid = "00000000-0000-0000-0000-000000000000";
    await step("update of another uid", otherUid, ["PUT", item, changed({ uid })]);
    await step("update of another name", otherName, ["PUT", item, changed({ name: "other" })]);
    const patch = kind.patch ?? {};
    const merge = { metadata: { labels: { p: "1" }, annotations: { q: "2" } } };
    await step("merge patch", patch.merge, ["PATCH", item, merge, patchType("merge-patch+json")]);
    const add = [{ op: "add", path: "/metadata/labels/j", value: "1" }];
    await step("json patch", patch.json, ["PATCH", item, add, patchType("json-patch+json")]);
    const fails = [{ op: "test", path: "/metadata/name", value: "nope" }];
    await step("json patch whose test fails", patch.jsonTestFails, [
      "PATCH",
      item,
      fails,
      patchType("json-patch+json"),
    ]);
    const bad = [{ op: "remove", path: "/spec/nope/nope" }];
    await step("json patch of no path", patch.jsonBadPath, ["PATCH", item, bad, patchType("json-patch+json")]);
    await step("strategic patch", patch.strategic, [
      "PATCH",
      item,
      labels({ s: "1", p: null }),
      patchType("strategic-merge-patch+json"),
    ]);
    await step("patch of no type", patch.wrongType, ["PATCH", item, {}, patchType("json")]);
    const applied = patchType("apply-patch+yaml");
    await step("apply", patch.apply, ["PATCH", `${item}?fieldManager=m1`, configuration("1"), applied]);
    await step("apply with a conflict", patch.applyConflict, [
      "PATCH",
      `${item}?fieldManager=m2`,
      configuration("2"),
      applied,
    ]);
    await step("forced apply", patch.applyForced, [
      "PATCH",
      `${item}?fieldManager=m2&force=true`,
      configuration("2"),
      applied,
    ]);
    await step("apply without a manager", patch.applyNoManager, ["PATCH", item, configuration("2"), applied]);
    await step("scale", kind.sub_scale as Answer, ["GET", `${item}/scale`]);
    await step("status", kind.sub_status as Answer, ["GET", `${item}/status`]);
    const background = { propagationPolicy: "Background" };
    const wrongUid = { preconditions: { uid: "nope" } };
    await step("delete of another uid", kind.deletePrecondition as Answer, ["DELETE", item, wrongUid]);
    await step("delete", kind.delete as Answer, ["DELETE", item, background]);
    await step("delete again", kind.deleteAgain as Answer, ["DELETE", item]);
    test.stop();
  });
}

interface Told {
  readonly code: number;
  readonly body: unknown;
  readonly warnings?: string[];
}

async function ask(
  test: TestApi,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Told> {
  const response = await test.request(path, {
    method,
    headers: { "user-agent": "Deno/2.9.3", "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const warning = response.headers.get("warning");
  const warnings = warning === null ? {} : { warnings: [warning] };
  return { code: response.status, body: await response.json(), ...warnings };
}

/** Successes are recorded with their body, refusals with what is particular in it. */
function compare(actual: Told, expected: Answer, namespace: string, deviation: string | undefined): void {
  const space = namespace === "" ? "no namespace" : namespace;
  const { reason, message, details } = actual.body as Record<string, unknown>;
  if (expected.code < 400 && expected.body === undefined) return compared(actual.code, expected.code, deviation);
  const warned = actual.warnings === undefined ? {} : { warnings: actual.warnings };
  const told = expected.code < 400
    ? { code: actual.code, body: actual.body, ...warned }
    : { code: actual.code, reason, message, ...(expected.details === undefined ? {} : { details }), ...warned };
  compared(normalised(told, space), normalised(expected, space), deviation);
}
