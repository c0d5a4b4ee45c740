/** What a webhook is asked and what it answers (admission.k8s.io AdmissionReview). */
import { isObject } from "../../../machines/objects/json.ts";
import { fields, has, text, texts } from "../../resources/fields.ts";
import { optionsObject, requestObject, type ShownRequest } from "../shown_request.ts";

export interface Answer {
  readonly allowed: boolean;
  readonly result: Record<string, unknown> | undefined;
  /** Operations of a JSON patch. */
  readonly patch: unknown[];
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Why an answer is none. */
export class InvalidAnswer extends Error {}

const group = "admission.k8s.io";

/** The first version that both know; undefined: there is none. */
export function reviewVersion(versions: readonly string[]): string | undefined {
  return versions.find((version) => version === "v1" || version === "v1beta1");
}

export function reviewOf(shown: ShownRequest, version: string, uid: string): unknown {
  const options = optionsObject(shown.request);
  return {
    kind: "AdmissionReview",
    apiVersion: `${group}/${version}`,
    request: {
      uid,
      ...requestObject(shown),
      object: shown.object ?? null,
      oldObject: shown.oldObject ?? null,
      options: options ?? null,
    },
  };
}

/** @throws InvalidAnswer */
export function answerOf(review: unknown, version: string, uid: string, mutating: boolean): Answer {
  if (!isObject(review)) throw new InvalidAnswer("webhook response was absent");
  const { apiVersion, kind } = review;
  const response = review["response"];
  if (!isObject(response)) throw new InvalidAnswer("webhook response was absent");
  if (version === "v1") {
    if (response["uid"] !== uid) {
      throw new InvalidAnswer(
        `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response["uid"]))}`,
      );
    }
    if (apiVersion !== `${group}/v1` || kind !== "AdmissionReview") {
      const got = `${text(apiVersion)}, Kind=${text(kind)}`;
      throw new InvalidAnswer(`expected webhook response of ${group}/v1, Kind=AdmissionReview, got ${got}`);
    }
  }
  return {
    allowed: response["allowed"] === true,
    result: isObject(response["status"]) ? response["status"] : undefined,
    patch: patchOf(response, version, mutating),
    warnings: texts(response["warnings"]),
    annotations: fields(response["auditAnnotations"]) as Record<string, string>,
  };
}

function patchOf(response: Record<string, unknown>, version: string, mutating: boolean): unknown[] {
  const patch = text(response["patch"]);
  const { patchType } = response;
  if (!mutating) {
    if (version === "v1" && patch !== "") throw new InvalidAnswer("validating webhook may not return response.patch");
    if (version === "v1" && has(patchType)) {
      throw new InvalidAnswer("validating webhook may not return response.patchType");
    }
    return [];
  }
  if (version === "v1") {
    if (patch !== "" && !has(patchType)) {
      throw new InvalidAnswer("webhook returned response.patch but not response.patchType");
    }
    if (patch === "" && has(patchType)) {
      throw new InvalidAnswer("webhook returned response.patchType but not response.patch");
    }
    if (patch !== "" && patchType !== "JSONPatch") {
      throw new InvalidAnswer(
        text(patchType) === ""
          ? `webhook returned invalid response.patchType of ${JSON.stringify(text(patchType))}`
          : `unsupported patch type ${JSON.stringify(text(patchType))}`,
      );
    }
  }
  if (patch === "") return [];
  try {
    const decoded: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(patch)));
    if (Array.isArray(decoded)) return decoded;
  } catch {
    // Told below, as is JSON that is no list.
  }
  throw new InvalidAnswer("received undecodable patch in webhook response");
}
