/** A namespace in memory on which plans are carried out: just enough of an API to play controllers against chance. */
import type { Plan, Write } from "../../../machines/controllers/controller.ts";
import type { KubeObject, Pod } from "../../../machines/objects/object.ts";
import { formatTime } from "../../../machines/objects/time.ts";

export class SimulatedObjects {
  readonly #objects = new Map<string, KubeObject>();
  #count = 0;
  now = 1_000_000;
  readonly created: KubeObject[] = [];

  all<T>(resource: string): T[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${resource}/`)).map(([, each]) => each as unknown as T);
  }

  put(resource: string, object: object): KubeObject {
    const draft = object as KubeObject;
    const { metadata } = draft;
    const stored = { ...draft, metadata: { ...metadata, resourceVersion: String(++this.#count) } };
    this.#objects.set(`${resource}/${metadata.name}`, stored);
    return stored;
  }

  remove(resource: string, name: string): void {
    this.#objects.delete(`${resource}/${name}`);
  }

  /** Carries out the first `limit` writes: the process dies after them. */
  apply(plan: Plan, limit = Infinity): void {
    for (const write of plan.writes.flat().slice(0, limit)) this.#write(write);
  }

  #write(write: Write): void {
    if (write.type === "event" || write.type === "certify") return;
    const { resource } = write.resource;
    if (write.type === "create") {
      const { metadata, ...rest } = write.object as KubeObject;
      const name = metadata.name ?? `${metadata.generateName}${++this.#count}`;
      if (this.#objects.has(`${resource}/${name}`)) throw new Error(`Cannot create ${resource} "${name}": it exists`);
      const born = { name, uid: `uid-${++this.#count}`, creationTimestamp: formatTime(this.now) };
      this.created.push(this.put(resource, { ...rest, metadata: { ...metadata, ...born } }));
    } else if (write.type === "update") {
      const old = this.#objects.get(`${resource}/${write.object.metadata.name}`);
      if (old === undefined) return;
      this.put(resource, write.subresource === "status" ? { ...old, status: write.object["status"] } : write.object);
    } else {
      const old = this.#objects.get(`${resource}/${write.name}`);
      if (old === undefined) return;
      if (write.type === "delete") this.end(resource, old);
      else {
        const { metadata } = write.body as { metadata: Record<string, string[]> };
        const gone = metadata["$deleteFromPrimitiveList/finalizers"] ?? [];
        const finalizers = (old.metadata.finalizers ?? []).filter((each) => !gone.includes(each));
        const next = this.put(resource, { ...old, metadata: { ...old.metadata, finalizers } });
        if (finalizers.length === 0 && next.metadata.deletionTimestamp !== undefined && hasStopped(next)) {
          this.remove(resource, write.name);
        }
      }
    }
  }

  /** Asks a pod to end; everything else is gone at once. */
  end(resource: string, object: KubeObject | Pod): void {
    const { metadata } = object;
    if (resource !== "pods") return this.remove(resource, metadata.name);
    if (metadata.deletionTimestamp !== undefined) return;
    const deletion = { deletionTimestamp: formatTime(this.now), deletionGracePeriodSeconds: 0 };
    this.put(resource, { ...object, metadata: { ...metadata, ...deletion } });
  }

  /** The kubelet has ended a pod that was asked to. */
  finish(pod: Pod): void {
    if ((pod.metadata.finalizers ?? []).length === 0) return this.remove("pods", pod.metadata.name);
    const phase = pod.status?.phase === "Succeeded" ? "Succeeded" : "Failed";
    this.put("pods", { ...pod, status: { ...pod.status, phase } });
  }

  setPhase(pod: Pod, phase: "Running" | "Succeeded" | "Failed"): void {
    const conditions = phase === "Running"
      ? [{ type: "Ready", status: "True", lastTransitionTime: formatTime(this.now) }]
      : [];
    this.put("pods", { ...pod, status: { phase, conditions } });
  }
}

function hasStopped(object: KubeObject): boolean {
  const { phase } = object["status"] as { phase?: string } ?? {};
  return phase === "Succeeded" || phase === "Failed";
}
