/** services. Addresses and node ports are allocated by the server; what may be asked for is checked here. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { Resource } from "../../machinery/types.ts";
import { ageColumn, column, formatLabels, nameColumn, spec, status, wide } from "../columns/column.ts";
import {
  defaultText,
  defaultTo,
  ensure,
  type Fields,
  fields,
  has,
  identical,
  int,
  list,
  text,
  texts,
} from "../fields.ts";
import { connectSubresource, proxyVerbs, row, statusSubresource } from "../row.ts";
import { labelName } from "../validation/metadata.ts";
import { hasNodePorts, isExternal, validateService, validateUpdate } from "../validation/services.ts";

const clientTimeout = 10_800;
function setDefaults(service: KubeObject): void {
  const given = ensure(service, "spec");
  defaultText(given, { sessionAffinity: "None", type: "ClusterIP" });
  if (given["sessionAffinity"] === "None") delete given["sessionAffinityConfig"];
  if (given["sessionAffinity"] === "ClientIP") {
    const client = ensure(ensure(given, "sessionAffinityConfig"), "clientIP");
    defaultTo(client, { timeoutSeconds: clientTimeout });
  }
  for (const port of list(given["ports"])) {
    defaultText(port, { protocol: "TCP" });
    const target = port["targetPort"];
    if (!has(target) || target === 0 || target === "") port["targetPort"] = port["port"];
  }
  const type = text(given["type"]);
  if (isExternal(given)) defaultText(given, { externalTrafficPolicy: "Cluster" });
  if (type !== "ExternalName") defaultTo(given, { internalTrafficPolicy: "Cluster" });
  if (type === "LoadBalancer") {
    defaultTo(given, { allocateLoadBalancerNodePorts: true });
    for (const ingress of list(fields(fields(service["status"])["loadBalancer"])["ingress"])) {
      if (text(ingress["ip"]) !== "") defaultTo(ingress, { ipMode: "VIP" });
    }
  }
  // clusterIP is the first of clusterIPs, whichever the client gave.
  const ip = text(given["clusterIP"]);
  if (ip !== "" && texts(given["clusterIPs"]).length === 0) given["clusterIPs"] = [ip];
}

/** What the server allocated is kept when an update leaves it out, and given up when the new type has no use for it. */
function prepareForUpdate(next: KubeObject, old: KubeObject): void {
  next["status"] = old["status"];
  const now = ensure(next, "spec");
  const before = spec(old);
  const keepsAddress = now["type"] !== "ExternalName" && before["type"] !== "ExternalName";
  if (keepsAddress) {
    if (text(now["clusterIP"]) === "" && texts(now["clusterIPs"]).length === 0) {
      if (has(before["clusterIP"])) now["clusterIP"] = before["clusterIP"];
      if (has(before["clusterIPs"])) now["clusterIPs"] = before["clusterIPs"];
    } else if (
      text(now["clusterIP"]) !== text(before["clusterIP"]) && identical(now["clusterIPs"], before["clusterIPs"])
    ) {
      if (text(now["clusterIP"]) === "") delete now["clusterIPs"];
      else now["clusterIPs"] = [text(now["clusterIP"])];
    } else if (text(now["clusterIP"]) === "") now["clusterIP"] = texts(now["clusterIPs"])[0];
    for (const field of ["ipFamilies", "ipFamilyPolicy"]) {
      if (!has(now[field]) && has(before[field])) now[field] = before[field];
    }
  }
  if (hasNodePorts(text(now["type"])) && hasNodePorts(text(before["type"]))) {
    for (const port of list(now["ports"])) {
      if (int(port["nodePort"]) !== 0) continue;
      const same = list(before["ports"]).find((each) =>
        int(each["port"]) === int(port["port"]) && text(each["protocol"]) === text(port["protocol"])
      );
      if (same !== undefined && has(same["nodePort"])) port["nodePort"] = same["nodePort"];
    }
  }
  const needsHealthCheck = now["type"] === "LoadBalancer" && now["externalTrafficPolicy"] === "Local";
  if (needsHealthCheck && !has(now["healthCheckNodePort"]) && has(before["healthCheckNodePort"])) {
    now["healthCheckNodePort"] = before["healthCheckNodePort"];
  }
  dropUnused(now, before);
}

const isLocalBalancer = (given: Fields): boolean =>
  given["type"] === "LoadBalancer" && given["externalTrafficPolicy"] === "Local";
const isBalancer = (given: Fields): boolean => given["type"] === "LoadBalancer";

/** Which services have a use for a field. */
const uses: readonly (readonly [field: string, uses: (given: Fields) => boolean])[] = [
  ["loadBalancerClass", isBalancer],
  ["allocateLoadBalancerNodePorts", isBalancer],
  ["healthCheckNodePort", isLocalBalancer],
  ["internalTrafficPolicy", (given) => given["type"] !== "ExternalName"],
  ["externalTrafficPolicy", isExternal],
];

/** A field that the old type needed, that the new one does not, and that the client only carried along, goes. */
function dropUnused(now: Fields, before: Fields): void {
  const dropped = uses.filter(([field, needs]) => needs(before) && !needs(now) && identical(now[field], before[field]));
  for (const [field] of dropped) delete now[field];
  if (hasNodePorts(text(before["type"])) && !hasNodePorts(text(now["type"]))) {
    list(now["ports"]).forEach((port, index) => {
      if (identical(port["nodePort"], list(before["ports"])[index]?.["nodePort"])) delete port["nodePort"];
    });
  }
}

function externalIP(service: KubeObject): string {
  const given = spec(service);
  const own = texts(given["externalIPs"]);
  const balanced = list(fields(status(service)["loadBalancer"])["ingress"]).map((ingress) =>
    text(ingress["ip"]) || text(ingress["hostname"])
  );
  switch (text(given["type"])) {
    case "LoadBalancer": {
      const all = [...new Set([...balanced, ...own])].filter((each) => each !== "");
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    case "ExternalName":
      return text(given["externalName"]);
    default:
      return own.length === 0 ? "<none>" : own.join(",");
  }
}

function portsCell(service: KubeObject): string {
  const ports = list(spec(service)["ports"]);
  if (ports.length === 0) return "<none>";
  return ports.map((port) => {
    const node = int(port["nodePort"]);
    return `${int(port["port"])}${node > 0 ? `:${node}` : ""}/${text(port["protocol"])}`;
  }).join(",");
}

export const services: Resource = row({
  group: "",
  version: "v1",
  resource: "services",
  kind: "Service",
  shortNames: ["svc"],
  categories: ["all"],
  subresources: { proxy: connectSubresource("ServiceProxyOptions", proxyVerbs), status: statusSubresource },
  columns: [
    nameColumn,
    column("Type", { of: "v1/ServiceSpec.type" }, (service) => text(spec(service)["type"])),
    column(
      "Cluster-IP",
      { of: "v1/ServiceSpec.clusterIP" },
      (service) => texts(spec(service)["clusterIPs"])[0] ?? (text(spec(service)["clusterIP"]) || "<none>"),
    ),
    column("External-IP", { of: "v1/ServiceSpec.externalIPs" }, externalIP),
    column("Port(s)", { of: "v1/ServiceSpec.ports" }, portsCell),
    ageColumn,
    wide(column("Selector", { of: "v1/ServiceSpec.selector" }, (service) => formatLabels(spec(service)["selector"]))),
  ],
  strategy: {
    setDefaults,
    prepareForCreate(service) {
      service["status"] = { loadBalancer: {} };
    },
    validate: validateService,
    prepareForUpdate,
    validateUpdate,
    validateName: labelName,
    hasGeneration: false,
    selectableFields: {
      "spec.clusterIP": (service) => text(spec(service)["clusterIP"]),
      "spec.type": (service) => text(spec(service)["type"]),
    },
  },
});
