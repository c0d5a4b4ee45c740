/** The options of a log in a query: the API's and the kubelet's are the same (Kubernetes' PodLogOptions). */
import type { LogOptions } from "../../ports/node_streams.ts";
import { badRequest, invalid } from "../machinery/errors.ts";
import type { FieldError } from "../machinery/types.ts";

/** @throws ApiError 400 or 422 in Kubernetes' words. */
export function logOptions(query: URLSearchParams): LogOptions {
  const errors: FieldError[] = [];
  const bounded = (field: string, least: number): number | undefined => {
    const text = query.get(field);
    if (text === null || text === "") return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) {
      throw badRequest(
        `converting (url.Values) to (v1.PodLogOptions): strconv.ParseInt: parsing ${
          JSON.stringify(text)
        }: invalid syntax`,
      );
    }
    if (value < least) {
      const message = `Invalid value: ${value}: must be greater than ${least === 0 ? "or equal to 0" : "0"}`;
      errors.push({ reason: "FieldValueInvalid", field, message });
    }
    return value;
  };
  const tailLines = bounded("tailLines", 0);
  const limitBytes = bounded("limitBytes", 1);
  const sinceSeconds = bounded("sinceSeconds", 1);
  const sinceTime = query.get("sinceTime") ?? "";
  if (sinceSeconds !== undefined && sinceTime !== "") {
    const message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
    errors.push({ reason: "FieldValueForbidden", field: "", message });
  }
  if (errors.length > 0) throw invalid("", "PodLogOptions", "", errors);
  return {
    follow: isTrue(query.get("follow")),
    previous: isTrue(query.get("previous")),
    timestamps: isTrue(query.get("timestamps")),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === "" ? {} : { sinceTime }),
  };
}

export function isTrue(text: string | null): boolean {
  return text === "true" || text === "1";
}
