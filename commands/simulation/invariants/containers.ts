/** What runs, asked of the engines themselves: each container of a pod once, and only on the pod's own node. */
import type { Pod } from "../../../machines/objects/object.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { labelNames } from "../../../machines/pod/pod_names.ts";
import type { RuntimeEvent } from "../../../ports/container_runtime.ts";
import type { Invariant, Watched } from "./invariant.ts";

export interface ContainerInvariant extends Invariant {
  happened(event: RuntimeEvent, node: string): void;
}

export function containers({ cluster, mirror, failed }: Watched): ContainerInvariant {
  /** By pod and container: where it runs, by id. */
  const running = new Map<string, Map<string, string>>();
  /** By pod: how many of its containers run on each node. */
  const places = new Map<string, Map<string, number>>();
  const nodeOf = new Map<string, string>();

  mirror.on<Pod>(resources.pods, ({ now, before }) => {
    if (now?.spec?.nodeName) nodeOf.set(now.metadata.uid, now.spec.nodeName);
    if (now === undefined && before !== undefined) nodeOf.delete(before.metadata.uid);
  });

  function started(uid: string, name: string, id: string, node: string, pod: string): void {
    const key = `${uid} ${name}`;
    let same = running.get(key);
    if (same === undefined) running.set(key, same = new Map());
    for (const [other, where] of same) {
      if (other === id) continue;
      failed(
        "a container never runs twice at once",
        `container ${name} of pod ${pod} runs on ${where} and was started again on ${node}`,
      );
    }
    same.set(id, node);
    let counts = places.get(uid);
    if (counts === undefined) places.set(uid, counts = new Map());
    for (const other of counts.keys()) {
      if (other !== node) {
        failed("no two nodes run the same pod", `pod ${pod} (${uid}) runs on ${other} and on ${node}`);
      }
    }
    counts.set(node, (counts.get(node) ?? 0) + 1);
    const own = nodeOf.get(uid);
    if (own !== undefined && own !== node) {
      failed("a pod's containers are only on its node", `pod ${pod} belongs on ${own} and runs on ${node}`);
    }
  }

  function ended(uid: string, name: string, id: string, node: string): void {
    const same = running.get(`${uid} ${name}`);
    if (same?.delete(id) !== true) return;
    if (same.size === 0) running.delete(`${uid} ${name}`);
    const counts = places.get(uid);
    const left = (counts?.get(node) ?? 1) - 1;
    if (left > 0) counts?.set(node, left);
    else counts?.delete(node);
    if (counts?.size === 0) places.delete(uid);
  }

  return {
    happened({ type, id, labels }, node) {
      const uid = labels[labelNames.podUid] ?? "";
      const name = labels[labelNames.container] ?? "";
      const pod = `${labels[labelNames.podNamespace]}/${labels[labelNames.podName]}`;
      if (type === "started") started(uid, name, id, node, pod);
      else ended(uid, name, id, node);
    },
    /** The count kept here is the engines' own. */
    checkAll() {
      const real = cluster.nodes.reduce(
        (sum, { engine }) => sum + engine.containers().filter(({ state }) => state === "running").length,
        0,
      );
      const kept = [...running.values()].reduce((sum, same) => sum + same.size, 0);
      if (real !== kept) {
        failed("every start and end of a container is told", `${real} containers run and ${kept} are known of`);
      }
    },
  };
}
