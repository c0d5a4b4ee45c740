/** Keeps the host ports of a node's pods published while the pods have an address. */
import type { HostPortMapping } from "../../machines/kube_proxy/host_port_rules.ts";
import { keyOf, type Pod } from "../../machines/objects/object.ts";
import type { Informer } from "../informer.ts";
import type { KubeProxy } from "./kube_proxy_actor.ts";

/** `pods`: those of the node. Answers how to stop; what is published stays until the proxy's table is made anew. */
export function followHostPorts(pods: Informer<Pod>, nodeName: string, proxy: KubeProxy): () => void {
  return pods.subscribe({
    changed(changes) {
      for (const change of changes) {
        const { object: pod } = change;
        const wanted = change.type === "removed" ? [] : mappingsOf(pod);
        const before = change.type === "updated" ? mappingsOf(change.previous) : undefined;
        if (before !== undefined && JSON.stringify(before) === JSON.stringify(wanted)) continue;
        if (wanted.length > 0) proxy.publishHostPorts(keyOf(pod), nodeName, wanted);
        else if (before === undefined || before.length > 0) proxy.withdrawHostPorts(keyOf(pod));
      }
    },
  });
}

/** A hostNetwork pod has its ports on the host as they are. */
function mappingsOf({ spec, status }: Pod): HostPortMapping[] {
  const podIP = status?.podIP;
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  if (!podIP || spec?.hostNetwork || ended) return [];
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...spec?.containers ?? [], ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ protocol = "TCP", hostIP, hostPort, containerPort }) =>
      hostPort ? [{ protocol, ...(hostIP === undefined ? {} : { hostIP }), hostPort, podIP, containerPort }] : []
    )
  );
}
