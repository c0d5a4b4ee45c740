/** Query options of every verb, read and checked in Kubernetes' words. */
import type { ApiRequest } from "./api_request.ts";
import { badRequest, invalidOptions } from "./errors.ts";
import type { FieldValidation } from "./schema_access.ts";
import type { FieldError } from "./types.ts";

export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly limit: number;
  readonly continue: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value !== "false" && value !== "0";
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  if (!/^[+-]?\d+$/.test(value)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  return Number(value);
}

function refusal(reason: FieldError["reason"], field: string, message: string): FieldError {
  return { reason, field, message };
}

const forbiddenField = (field: string, why: string) => refusal("FieldValueForbidden", field, `Forbidden: ${why}`);

function unsupported(field: string, value: string, supported: readonly string[]): FieldError {
  const shown = supported.map((text) => JSON.stringify(text)).join(", ");
  return refusal(
    "FieldValueNotSupported",
    field,
    `Unsupported value: ${JSON.stringify(value)}: supported values: ${shown}`,
  );
}

export function listOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const options: ListOptions = {
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    limit: Math.max(0, integer(query, "limit") ?? 0),
    continue: query.get("continue") ?? "",
    watch,
    allowWatchBookmarks: flag(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: flag(query, "sendInitialEvents"),
    timeoutSeconds: integer(query, "timeoutSeconds"),
  };
  const errors = watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalidOptions("ListOptions", ...errors);
  return options;
}

const matchField = "resourceVersionMatch";

function listErrors(options: ListOptions): FieldError[] {
  const { resourceVersionMatch: match, resourceVersion } = options;
  const errors: FieldError[] = [];
  if (match !== "") {
    if (resourceVersion === "") {
      errors.push(forbiddenField(matchField, `${matchField} is forbidden unless resourceVersion is provided`));
    }
    if (options.continue !== "") {
      errors.push(forbiddenField(matchField, `${matchField} is forbidden when continue is provided`));
    }
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(unsupported(matchField, match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && resourceVersion === "0") {
      errors.push(forbiddenField(matchField, `${matchField} "exact" is forbidden for resourceVersion "0"`));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  return errors;
}

function watchErrors(options: ListOptions): FieldError[] {
  const { resourceVersionMatch: match, sendInitialEvents } = options;
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && match !== "NotOlderThan") {
    errors.push(forbiddenField(matchField, `sendInitialEvents requires setting ${matchField} to NotOlderThan`));
  }
  if (match !== "") {
    if (sendInitialEvents === undefined) {
      errors.push(
        forbiddenField(matchField, `${matchField} is forbidden for watch unless sendInitialEvents is provided`),
      );
    }
    if (match !== "NotOlderThan") errors.push(unsupported(matchField, match, ["NotOlderThan"]));
    if (options.continue !== "") {
      errors.push(forbiddenField(matchField, `${matchField} is forbidden when continue is provided`));
    }
  }
  return errors;
}

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  /** Whether the manager was named, not taken from the user agent. */
  readonly namedManager: boolean;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
}

const maxManagerLength = 128;

export function writeOptions(
  request: ApiRequest,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
): WriteOptions {
  const { query, patchType } = request;
  const named = query.get("fieldManager") ?? "";
  const validation = query.get("fieldValidation") ?? "";
  const force = flag(query, "force");
  const errors: FieldError[] = [];
  const dryRun = dryRunOf(query.getAll("dryRun"), errors);
  if (kind === "PatchOptions" && patchType === "apply" && named === "") {
    errors.push(refusal("FieldValueRequired", "fieldManager", "Required value: is required for apply patch"));
  }
  if (kind === "PatchOptions" && patchType !== "apply" && force !== undefined) {
    errors.push(forbiddenField("force", "may not be specified for non-apply patch"));
  }
  if (named.length > maxManagerLength) {
    errors.push(
      refusal("FieldValueTooLong", "fieldManager", `Too long: may not be more than ${maxManagerLength} bytes`),
    );
  }
  if (!["", "Ignore", "Strict", "Warn"].includes(validation)) {
    errors.push(unsupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"]));
  }
  if (errors.length > 0) throw invalidOptions(kind, ...errors);
  return {
    dryRun,
    fieldManager: named === "" ? managerOf(request.userAgent) : named,
    namedManager: named !== "",
    fieldValidation: validation === "" ? "Warn" : validation as FieldValidation,
    force: force ?? false,
  };
}

function dryRunOf(values: readonly string[], errors: FieldError[]): boolean {
  const given = values.filter((value) => value !== "");
  for (const value of given) if (value !== "All") errors.push(unsupported("dryRun", value, ["All"]));
  return given.length > 0;
}

/** The first word of a user agent, before the slash. */
function managerOf(userAgent: string): string {
  const name = userAgent.split("/")[0] ?? "";
  return name === "" ? "unknown" : name.slice(0, maxManagerLength);
}

export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
}

/** From the body, when there is one, else from the query. */
export function deleteOptions(
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>> | undefined,
): DeleteOptions {
  const errors: FieldError[] = [];
  const preconditions = (body?.preconditions ?? {}) as { uid?: string; resourceVersion?: string };
  const dryRun = dryRunOf([...query.getAll("dryRun"), ...((body?.dryRun ?? []) as string[])], errors);
  const policy = (body?.propagationPolicy ?? query.get("propagationPolicy") ?? undefined) as string | undefined;
  const orphan = (body?.orphanDependents ?? flag(query, "orphanDependents")) as boolean | undefined;
  if (policy !== undefined && orphan !== undefined) {
    errors.push(refusal(
      "FieldValueInvalid",
      "propagationPolicy",
      `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    ));
  } else if (policy !== undefined && !["Foreground", "Background", "Orphan"].includes(policy)) {
    errors.push(unsupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"]));
  }
  if (errors.length > 0) throw invalidOptions("DeleteOptions", ...errors);
  return {
    gracePeriodSeconds: (body?.gracePeriodSeconds ?? integer(query, "gracePeriodSeconds")) as number | undefined,
    propagationPolicy: policy ?? (orphan === undefined ? undefined : orphan ? "Orphan" : "Background"),
    orphanDependents: orphan,
    preconditions,
    dryRun,
  };
}
