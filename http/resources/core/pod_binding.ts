/** pods/binding: puts a pod on a node, once. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError, type Status } from "../../../machines/objects/status.ts";
import { internal } from "../../machinery/errors.ts";
import type { SubresourceRequest } from "../../machinery/types.ts";
import { ensure, type Fields, fields, has, list, text, textMap } from "../fields.ts";
import { notSupported, path, required } from "../validation/field.ts";

function conflict(name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on pods/binding "${name}": ${why}`;
  return new ApiError(409, "Conflict", message, { name, kind: "pods/binding" });
}

/** What is wrong with a binding is told as a plain error, as Kubernetes does. */
function validateBinding(binding: Fields): void {
  const target = fields(binding["target"]);
  const kind = text(target["kind"]);
  const causes = [];
  if (kind !== "" && kind !== "Node") causes.push(notSupported(path("target", "kind"), kind, ["Node", "<empty>"]));
  if (text(target["name"]) === "") causes.push(required(path("target", "name")));
  if (causes.length === 0) return;
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  throw internal(texts.length === 1 ? texts.join() : `[${texts.join(", ")}]`);
}

/** Sets the node, merges the binding's labels and annotations, and notes that the pod is scheduled. */
function assign(pod: KubeObject, binding: KubeObject, node: string, now: string): void {
  const { name } = pod.metadata;
  const wanted = binding.metadata;
  if (has(wanted.uid) && wanted.uid !== "" && wanted.uid !== pod.metadata.uid) {
    throw conflict(
      name,
      `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (has(pod.metadata.deletionTimestamp)) {
    throw conflict(name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const spec = ensure(pod, "spec");
  const current = text(spec["nodeName"]);
  if (current !== "") throw conflict(name, `pod ${name} is already assigned to node "${current}"`);
  if (list(spec["schedulingGates"]).length > 0) throw conflict(name, `pod ${name} has non-empty .spec.schedulingGates`);
  spec["nodeName"] = node;
  for (const field of ["annotations", "labels"] as const) {
    const added = textMap(wanted[field]);
    if (Object.keys(added).length > 0) pod.metadata[field] = { ...pod.metadata[field], ...added };
  }
  const status = ensure(pod, "status");
  // Where room was being made for it says nothing any more.
  delete status["nominatedNodeName"];
  const conditions = list(status["conditions"]).filter((each) => each["type"] !== "PodScheduled");
  status["conditions"] = [...conditions, {
    type: "PodScheduled",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: now,
  }];
}

export async function bindPod(request: SubresourceRequest): Promise<KubeObject> {
  const { body, name } = request;
  if (body === undefined) throw new ApiError(400, "BadRequest", "Cannot bind pod: the request has no Binding");
  validateBinding(body);
  if (has(body.metadata.name) && body.metadata.name !== name) {
    throw new ApiError(400, "BadRequest", `name in URL does not match name in Binding object`);
  }
  const node = text(fields(body["target"])["name"]);
  await request.update((pod) => assign(pod, body, node, request.now));
  return success(201);
}

/** The Status that answers a subresource which gives no object back. */
export function success(code: number): KubeObject {
  const status: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code };
  return status as unknown as KubeObject;
}
