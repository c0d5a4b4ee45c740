/** The refusals of the API in Kubernetes' words. Clients compare reason, code, details and often the message. */
import { ApiError, type StatusDetails } from "../../machines/objects/status.ts";
import type { FieldError, Resource } from "./types.ts";

/** `deployments.apps`, `pods`. */
export function qualifiedResource({ group, resource }: { group: string; resource: string }): string {
  return group === "" ? resource : `${resource}.${group}`;
}

function qualifiedKind(group: string, kind: string): string {
  return group === "" ? kind : `${kind}.${group}`;
}

function details(name: string, group: string, kind: string, rest: Partial<StatusDetails> = {}): StatusDetails {
  return {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    ...(kind === "" ? {} : { kind }),
    ...rest,
  };
}

type Named = Pick<Resource, "group" | "resource">;

export function notFound(resource: Named, name: string): ApiError {
  const message = `${qualifiedResource(resource)} "${name}" not found`;
  return new ApiError(404, "NotFound", message, details(name, resource.group, resource.resource));
}

export function alreadyExists(resource: Named, name: string): ApiError {
  const message = `${qualifiedResource(resource)} "${name}" already exists`;
  return new ApiError(409, "AlreadyExists", message, details(name, resource.group, resource.resource));
}

export function conflict(resource: Named, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`;
  return new ApiError(409, "Conflict", message, details(name, resource.group, resource.resource));
}

export const objectModified =
  "the object has been modified; please apply your changes to the latest version and try again";

const warnings = new WeakMap<Error, readonly string[]>();

/** The error, which tells its client these warnings besides. */
export function warning(error: unknown, texts: readonly string[]): unknown {
  if (error instanceof Error && texts.length > 0) warnings.set(error, texts);
  return error;
}

export function warningsOf(error: unknown): readonly string[] {
  return (error instanceof Error ? warnings.get(error) : undefined) ?? [];
}

/** 422 with every cause. */
export function invalid(group: string, kind: string, name: string, errors: readonly FieldError[]): ApiError {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const joined = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }));
  const message = `${qualifiedKind(group, kind)} "${name}" is invalid: ${joined}`;
  return new ApiError(422, "Invalid", message, details(name, group, kind, { causes }));
}

export function invalidOptions(kind: string, ...errors: FieldError[]): ApiError {
  return invalid("meta.k8s.io", kind, "", errors);
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

/** An error without a reason, as Go's plain errors are answered. */
export function internal(message: string): ApiError {
  const error = new ApiError(500, "", message);
  delete error.status.reason;
  return error;
}

export function forbidden(resource: Named, name: string, why: string): ApiError {
  const what = name === "" ? qualifiedResource(resource) : `${qualifiedResource(resource)} "${name}"`;
  const message = `${what} is forbidden: ${why}`;
  return new ApiError(403, "Forbidden", message, details(name, resource.group, resource.resource));
}

/** Generic refusals of a request for what is no known resource or verb carry empty details. */
export function unknownResource(): ApiError {
  return new ApiError(404, "NotFound", "the server could not find the requested resource", {});
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );
}

export function expired(message: string): ApiError {
  return new ApiError(410, "Expired", message);
}

/** The store or the caches are behind what the client has seen. */
export function resourceVersionTooLarge(wanted: string | number, current: number): ApiError {
  return new ApiError(
    504,
    "Timeout",
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  );
}

/** A patch that does not apply. */
export function unprocessablePatch(): ApiError {
  return new ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

export function notImplemented(what: string): ApiError {
  return new ApiError(501, "NotImplemented", `Cannot ${what}: this server does not implement it`);
}

/** The store takes no entry of that size (etcd's words). */
export function tooLargeToStore(): ApiError {
  return new ApiError(413, "RequestEntityTooLarge", "Request entity too large: etcdserver: request is too large");
}

export function bodyTooSlow(ms: number): ApiError {
  return new ApiError(
    408,
    "Timeout",
    `Timeout: the request's body did not come within ${Math.ceil(ms / 1000)} seconds`,
  );
}

export function tooManyBytes(limit: number): ApiError {
  return new ApiError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limit}`);
}
