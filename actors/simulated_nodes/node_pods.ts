/** All pods of the cluster watched once, and each simulated node told of its own. */
import type { Pod } from "../../machines/objects/object.ts";
import type { Change, ChangeListener, Informer } from "../informer.ts";
import type { PodsOfNode } from "../kubelet/world.ts";

/** One node's part. A node that is cut off hears of nothing until it is connected again, and then of the difference. */
export class NodePods implements PodsOfNode {
  /** As the API has them. */
  readonly #there = new Map<string, Pod>();
  /** As the kubelet has heard. */
  #heard = new Map<string, Pod>();
  #cutOff = false;
  #listener: ChangeListener<Pod> | undefined;

  /** `seen`: the pod as this node's kubelet sees it. */
  constructor(readonly all: Informer<Pod>, readonly seen: (pod: Pod) => Pod) {}

  list(): Pod[] {
    return [...this.#heard.values()];
  }

  get(uid: string): Pod | undefined {
    return this.#heard.get(uid);
  }

  /** The watch brings the very object that everybody else in the process has: of a hundred thousand one copy is enough. */
  learn(): void {}

  subscribe(listener: ChangeListener<Pod>): () => void {
    this.#listener = listener;
    if (this.#heard.size > 0) listener.changed(this.list().map((object) => ({ type: "added", object })));
    if (this.all.synced) listener.synced?.();
    return () => void (this.#listener = undefined);
  }

  cutOff(): void {
    this.#cutOff = true;
  }

  reconnect(): void {
    this.#cutOff = false;
    this.#tell([...new Set([...this.#heard.keys(), ...this.#there.keys()])]);
  }

  synced(): void {
    this.#listener?.synced?.();
  }

  /** Pods that have changed, or are gone, by their uid. */
  changed(pods: ReadonlyMap<string, Pod | undefined>): void {
    for (const [uid, pod] of pods) {
      if (pod === undefined) this.#there.delete(uid);
      else this.#there.set(uid, pod);
    }
    if (!this.#cutOff) this.#tell([...pods.keys()]);
  }

  #tell(uids: readonly string[]): void {
    const changes = uids.flatMap((uid): Change<Pod>[] => {
      const pod = this.#there.get(uid);
      const previous = this.#heard.get(uid);
      if (pod === undefined) {
        this.#heard.delete(uid);
        return previous === undefined ? [] : [{ type: "removed", object: previous }];
      }
      if (previous?.metadata.resourceVersion === pod.metadata.resourceVersion) return [];
      const object = this.seen(pod);
      this.#heard.set(uid, object);
      return [previous === undefined ? { type: "added", object } : { type: "updated", object, previous }];
    });
    if (changes.length > 0) this.#listener?.changed(changes);
  }
}

/** One watch of all pods of the cluster; each node gets its own. */
export class PodDispatch {
  readonly #nodes = new Map<string, NodePods>();
  readonly #unsubscribe: () => void;

  constructor(readonly all: Informer<Pod>, readonly seen: (pod: Pod) => Pod) {
    this.#unsubscribe = all.subscribe({
      changed: (changes) => this.#changed(changes),
      synced: () => {
        for (const node of this.#nodes.values()) node.synced();
      },
    });
  }

  /** Of a node that may not be known yet: what is bound to it is kept for it. */
  of(node: string): NodePods {
    let pods = this.#nodes.get(node);
    if (pods === undefined) this.#nodes.set(node, pods = new NodePods(this.all, this.seen));
    return pods;
  }

  stop(): void {
    this.#unsubscribe();
  }

  #changed(changes: readonly Change<Pod>[]): void {
    const perNode = new Map<NodePods, Map<string, Pod | undefined>>();
    for (const { type, object } of changes) {
      const name = object.spec?.nodeName;
      if (!name) continue;
      const node = this.of(name);
      let pods = perNode.get(node);
      if (pods === undefined) perNode.set(node, pods = new Map());
      pods.set(object.metadata.uid, type === "removed" ? undefined : object);
    }
    for (const [node, pods] of perNode) node.changed(pods);
  }
}
