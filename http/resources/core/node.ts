/** nodes. */
import { labelValueErrors, qualifiedNameErrors } from "../../../machines/objects/names.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status, wide } from "../columns/column.ts";
import { defaultTo, ensure, type Fields, fields, list, same, text, textMap, texts } from "../fields.ts";
import { connectSubresource, keepStatus, proxyVerbs, row, statusSubresource } from "../row.ts";
import { validateTaintEffect } from "../validation/affinity.ts";
import { forbidden, invalid, invalidFor, path } from "../validation/field.ts";
import { parseRange, validateCIDR } from "../validation/ip.ts";
import { validateQuantity } from "../validation/resource_requirements.ts";

const infoFields = [
  "machineID",
  "systemUUID",
  "bootID",
  "kernelVersion",
  "osImage",
  "containerRuntimeVersion",
  "kubeletVersion",
  "kubeProxyVersion",
  "operatingSystem",
  "architecture",
];

/** A node's status shows these even when nobody has filled them in. */
function setDefaults(node: KubeObject): void {
  const given = ensure(node, "spec");
  const ranges = texts(given["podCIDRs"]);
  const range = text(given["podCIDR"]);
  if (ranges.length === 0 && range !== "") given["podCIDRs"] = [range];
  if (range === "" && ranges[0] !== undefined) given["podCIDR"] = ranges[0];
  const state = ensure(node, "status");
  defaultTo(ensure(ensure(state, "daemonEndpoints"), "kubeletEndpoint"), { Port: 0 });
  defaultTo(ensure(state, "nodeInfo"), Object.fromEntries(infoFields.map((name) => [name, ""])));
}

/** Taints are told under metadata, where they once were. */
function validateTaints(taints: unknown): FieldError[] {
  const seen = new Set<string>();
  return list(taints).flatMap((taint, index) => {
    const here = path("metadata", "taints").index(index);
    const [key, value, effect] = ["key", "value", "effect"].map((name) => text(taint[name]));
    const errors = [
      ...invalidFor(here.child("key"), key, qualifiedNameErrors(key ?? "")),
      ...invalidFor(here.child("value"), value, labelValueErrors(value ?? "")),
      ...validateTaintEffect(effect ?? "", false, here.child("effect")),
    ];
    const pair = `${effect}/${key}`;
    if (seen.has(pair)) {
      const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: taint["timeAdded"] ?? null });
      errors.push({
        reason: "FieldValueDuplicate",
        field: here.toString(),
        message: `Duplicate value: ${shown}: taints must be unique by key and effect pair`,
      });
    }
    seen.add(pair);
    return errors;
  });
}

function validateRanges(given: Fields): FieldError[] {
  const ranges = texts(given["podCIDRs"]);
  const here = path("spec", "podCIDRs");
  const errors = ranges.flatMap((range, index) => validateCIDR(range, here.index(index)));
  if (errors.length > 0) return errors;
  if (ranges.length > 2) errors.push(invalid(here, ranges, "node podCIDRs must not have more than two values"));
  const families = ranges.map((range) => parseRange(range)?.family);
  if (ranges.length === 2 && families[0] === families[1]) {
    errors.push(invalid(here, ranges, "two pod CIDRs must be of different IP families"));
  }
  return errors;
}

function validateNode(node: KubeObject): FieldError[] {
  return [...validateTaints(spec(node)["taints"]), ...validateRanges(spec(node))];
}

function validateAmounts(node: KubeObject): FieldError[] {
  return ["capacity", "allocatable"].flatMap((side) =>
    Object.entries(fields(status(node)[side])).flatMap(([name, amount]) =>
      validateQuantity(name, amount, path("status", side).key(name))
    )
  );
}

function validateUpdate(next: KubeObject, old: KubeObject): FieldError[] {
  // Kubernetes checks taints of a changed node twice.
  const errors = [...validateNode(next), ...validateTaints(spec(next)["taints"])];
  const now = spec(next);
  const before = spec(old);
  const had = texts(before["podCIDRs"]);
  if (had.length > 0 && !same(now["podCIDRs"], had)) {
    errors.push(forbidden(path("spec", "podCIDRs"), 'node updates may not change podCIDR except from "" to valid'));
  }
  const id = text(before["providerID"]);
  if (id !== "" && text(now["providerID"]) !== id) {
    errors.push(
      forbidden(path("spec", "providerID"), 'node updates may not change providerID except from "" to valid'),
    );
  }
  return errors;
}

const rolePrefix = "node-role.kubernetes.io/";

function rolesCell(node: KubeObject): string {
  const roles = Object.entries(textMap(node.metadata.labels)).flatMap(([name, value]) => {
    if (name.startsWith(rolePrefix)) return name.slice(rolePrefix.length) === "" ? [] : [name.slice(rolePrefix.length)];
    return name === "kubernetes.io/role" && value !== "" ? [value] : [];
  });
  return roles.length === 0 ? "<none>" : roles.sort().join(",");
}

function statusCell(node: KubeObject): string {
  const ready = list(status(node)["conditions"]).find((condition) => condition["type"] === "Ready");
  const word = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady";
  return spec(node)["unschedulable"] === true ? `${word},SchedulingDisabled` : word;
}

function addressCell(type: string): (node: KubeObject) => string {
  return (node) => text(list(status(node)["addresses"]).find((each) => each["type"] === type)?.["address"]) || "<none>";
}

function infoCell(name: string): (node: KubeObject) => string {
  return (node) => text(fields(status(node)["nodeInfo"])[name]) || "<unknown>";
}

const addressesText =
  "List of addresses reachable to the node. Queried from cloud provider, if available. More info: " +
  "https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge " +
  "key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a " +
  "full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during " +
  "the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a " +
  "Node's address in its own status or consumers of the downward API (status.hostIP).";

export const nodes: Resource = row({
  group: "",
  version: "v1",
  resource: "nodes",
  kind: "Node",
  namespaced: false,
  shortNames: ["no"],
  subresources: { proxy: connectSubresource("NodeProxyOptions", proxyVerbs), status: statusSubresource },
  columns: [
    nameColumn,
    column("Status", "The status of the node", statusCell),
    column("Roles", "The roles of the node", rolesCell),
    ageColumn,
    column(
      "Version",
      { of: "v1/NodeSystemInfo.kubeletVersion" },
      (node) => text(fields(status(node)["nodeInfo"])["kubeletVersion"]),
    ),
    wide(column("Internal-IP", addressesText, addressCell("InternalIP"))),
    wide(column("External-IP", addressesText, addressCell("ExternalIP"))),
    wide(column("OS-Image", { of: "v1/NodeSystemInfo.osImage" }, infoCell("osImage"))),
    wide(column("Kernel-Version", { of: "v1/NodeSystemInfo.kernelVersion" }, infoCell("kernelVersion"))),
    wide(
      column(
        "Container-Runtime",
        { of: "v1/NodeSystemInfo.containerRuntimeVersion" },
        infoCell("containerRuntimeVersion"),
      ),
    ),
  ],
  strategy: {
    setDefaults,
    validate: validateNode,
    prepareForUpdate: keepStatus,
    validateUpdate,
    validateStatusUpdate: validateAmounts,
    hasGeneration: false,
    selectableFields: { "spec.unschedulable": (node) => String(spec(node)["unschedulable"] === true) },
  },
});
