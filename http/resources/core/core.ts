/** v1: the core group. */
import { dns1123SubdomainErrors, maskTrailingHyphen } from "../../../machines/objects/names.ts";
import type { Resource } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn } from "../columns/column.ts";
import { list } from "../fields.ts";
import { notWired, type ResourceHooks, row } from "../row.ts";
import { componentStatuses } from "./component_status.ts";
import { configMaps, secrets } from "./config.ts";
import { endpoints } from "./endpoints.ts";
import { events } from "./event.ts";
import { limitRanges, resourceQuotas } from "./limits.ts";
import { namespaces } from "./namespace.ts";
import { nodes } from "./node.ts";
import { pods } from "./pod.ts";
import { bindPod } from "./pod_binding.ts";
import { services } from "./service.ts";
import { podTemplates, replicationControllers } from "./templates.ts";
import { persistentVolumeClaims, persistentVolumes } from "./volumes.ts";

const group = "";
const version = "v1";

export function coreResources(hooks: ResourceHooks): readonly Resource[] {
  return [
    // A binding without a pod in its URL names the pod itself.
    row({
      group,
      version,
      resource: "bindings",
      kind: "Binding",
      verbs: ["create"],
      columns: [nameColumn, ageColumn],
      answer: (request) => bindPod({ ...request, name: request.body?.metadata.name ?? request.name }),
    }),
    row({
      group,
      version,
      resource: "componentstatuses",
      kind: "ComponentStatus",
      namespaced: false,
      shortNames: ["cs"],
      verbs: ["get", "list"],
      columns: [
        nameColumn,
        column(
          "Status",
          "Status of the component conditions",
          (object) => healthy(list(object["conditions"])[0]?.["status"]),
        ),
        column(
          "Message",
          "Message of the component conditions",
          (object) => list(object["conditions"])[0]?.["message"] ?? "",
        ),
        column(
          "Error",
          "Error of the component conditions",
          (object) => list(object["conditions"])[0]?.["error"] ?? "",
        ),
      ],
      answer: componentStatuses,
    }),
    configMaps,
    endpoints,
    events,
    limitRanges,
    namespaces,
    nodes,
    persistentVolumeClaims,
    persistentVolumes,
    pods,
    podTemplates,
    replicationControllers,
    resourceQuotas,
    secrets,
    row({
      group,
      version,
      resource: "serviceaccounts",
      kind: "ServiceAccount",
      shortNames: ["sa"],
      columns: [nameColumn, ageColumn],
      subresources: {
        token: {
          verbs: ["create"],
          kind: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
          handle: hooks.token ?? notWired("serviceaccounts/token"),
        },
      },
      strategy: { validateName: (name, prefix) => dns1123SubdomainErrors(prefix ? maskTrailingHyphen(name) : name) },
    }),
    services,
  ];
}

function healthy(status: unknown): string {
  return status === "True" ? "Healthy" : "Unhealthy";
}
