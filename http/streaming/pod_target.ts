/** Which container and which kubelet a request for a pod's logs or streams means. */
import type { Node, Pod } from "../../machines/objects/object.ts";
import { badRequest } from "../machinery/errors.ts";

const defaultContainer = "kubectl.kubernetes.io/default-container";

/** @throws ApiError 400 in Kubernetes' words. */
export function containerOf(pod: Pod, asked: string, word: "log" | "exec" | "attach"): string {
  const { name, annotations } = pod.metadata;
  const main = (pod.spec?.containers ?? []).map((one) => one.name);
  const inits = (pod.spec?.initContainers ?? []).map((one) => one.name);
  const debug = (pod.spec?.ephemeralContainers ?? []).map((one) => one.name);
  const all = [...inits, ...main, ...debug];
  if (asked !== "") {
    if (!all.includes(asked)) {
      throw badRequest(
        word === "log"
          ? `container ${asked} is not valid for pod ${name}`
          : `container not found (${JSON.stringify(asked)})`,
      );
    }
    return asked;
  }
  const [first] = main;
  if (main.length === 1 && first !== undefined && (word !== "log" || all.length === 1)) return first;
  const preferred = annotations?.[defaultContainer];
  if (preferred !== undefined && all.includes(preferred)) return preferred;
  if (main.length === 1 && first !== undefined) return first;
  if (main.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
  const choices = `choose one of: [${main.join(" ")}]`;
  const initText = inits.length === 0 ? "" : ` or one of the init containers: [${inits.join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}${initText}`);
}

/** The node's name. @throws ApiError 400 when there is none yet. */
export function podOnNode({ metadata, spec }: Pod): string {
  const nodeName = spec?.nodeName ?? "";
  if (nodeName === "") throw badRequest(`pod ${metadata.name} does not have a host assigned`);
  return nodeName;
}

/**
 * A node that its host's masters started has an address of the cluster's own, which no other host reaches. Where it has
 * an external one as well, that is its host's, and everybody reaches it.
 */
const addressOrder = ["ExternalIP", "InternalIP", "Hostname", "InternalDNS", "ExternalDNS"];

/** Where the node's kubelet listens, by the node's own status. */
export function kubeletAddress({ metadata, status }: Node): { host: string; port: number } {
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250;
  for (const type of addressOrder) {
    const found = status?.addresses?.find((one) => one.type === type);
    if (found !== undefined) return { host: found.address, port };
  }
  throw badRequest(`no preferred addresses found; known addresses: [] of node ${metadata.name}`);
}
