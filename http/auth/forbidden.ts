/** What a client reads who may not: Kubernetes' sentence. */
import { ApiError } from "../../machines/objects/status.ts";
import { forbidden } from "../machinery/errors.ts";
import type { RequestAttributes } from "../machinery/types.ts";

/** `pods "x" is forbidden: User "bob" cannot get resource "pods/log" in API group "" in the namespace "default"`. */
export function forbiddenRequest(request: RequestAttributes, reason: string): ApiError {
  const who = `User ${JSON.stringify(request.user.name)}`;
  const why = reason === "" ? "" : `: ${reason}`;
  if (!request.resourceRequest) {
    const message = `forbidden: ${who} cannot ${request.verb} path ${JSON.stringify(request.path)}${why}`;
    return new ApiError(403, "Forbidden", message, {});
  }
  const { group, namespace, subresource } = request;
  const resource = subresource === "" ? request.resource : `${request.resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const what = `${JSON.stringify(resource)} in API group ${JSON.stringify(group)}`;
  return forbidden(request, request.name, `${who} cannot ${request.verb} resource ${what} ${where}${why}`);
}
