/**
 * Versions of custom resources that only their author's server can turn into one another (Kubernetes docs, "Versions in
 * CustomResourceDefinitions": webhook conversion; apiextensions.k8s.io/v1 ConversionReview).
 */
import { isObject } from "../../machines/objects/json.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { internal } from "../machinery/errors.ts";
import { CallFailed, type ClientConfig, type WebhookCaller } from "../outgoing/webhook_caller.ts";
import { fields, list, text } from "../resources/fields.ts";
import type { Definition } from "./definition.ts";

/** Objects of one version in another. @throws ApiError 500 */
export type Convert = (objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>;

const timeoutSeconds = 30;

/** Undefined: versions differ in their apiVersion only. */
export function webhookConversion(
  { spec: { conversion, group, names } }: Definition,
  caller: WebhookCaller | undefined,
  uuid: () => string,
): Convert | undefined {
  if (conversion?.strategy !== "Webhook" || caller === undefined) return undefined;
  const config = (conversion.webhook?.clientConfig ?? {}) as ClientConfig;
  return async (objects, apiVersion) => {
    const [first] = objects;
    if (first === undefined) return [];
    const failed = (why: string) => internal(`conversion webhook for ${first.apiVersion}, Kind=${names.kind} ${why}`);
    const uid = uuid();
    const review = {
      kind: "ConversionReview",
      apiVersion: "apiextensions.k8s.io/v1",
      request: { uid, desiredAPIVersion: apiVersion, objects },
    };
    let answer: unknown;
    try {
      answer = await caller.call(config, review, timeoutSeconds);
    } catch (error) {
      if (error instanceof CallFailed) throw failed(`failed: ${error.message}`);
      throw error;
    }
    const response = fields(answer)["response"];
    if (!isObject(response)) throw failed("failed: the answer has no response");
    if (text(response["uid"]) !== uid) {
      throw failed(
        `failed: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response["uid"] ?? "")}`,
      );
    }
    const result = fields(response["result"]);
    if (result["status"] !== "Success") {
      throw failed(`failed: ${text(result["message"]) || "unknown reason"}`);
    }
    const converted = list(response["convertedObjects"]) as unknown as KubeObject[];
    if (converted.length !== objects.length) {
      throw failed(`returned ${converted.length} objects, expected ${objects.length}`);
    }
    return converted.map((object, index) => {
      const wrong = mismatch(object, objects[index]!, apiVersion, `${group}`);
      if (wrong !== undefined) throw failed(`returned invalid object at index ${index}: ${wrong}`);
      return withIdentity(object, objects[index]!);
    });
  };
}

/** A conversion keeps what the object is. */
function mismatch(object: KubeObject, from: KubeObject, apiVersion: string, group: string): string | undefined {
  if (object.apiVersion !== apiVersion) {
    return `invalid groupVersion (expected ${apiVersion}, received ${text(object.apiVersion)})`;
  }
  if (object.kind !== from.kind) {
    return `invalid kind (expected ${from.kind} of ${group}, received ${text(object.kind)})`;
  }
  for (const field of ["name", "namespace", "uid"] as const) {
    const [now, before] = [text(object.metadata?.[field]), text(from.metadata[field])];
    if (now !== before) {
      return `metadata.${field}: Invalid value: ${JSON.stringify(now)}: must be ${JSON.stringify(before)}`;
    }
  }
  return undefined;
}

/** Of the metadata only labels and annotations are the converter's. */
function withIdentity(object: KubeObject, { metadata: kept }: KubeObject): KubeObject {
  const { labels: _labels, annotations: _annotations, ...rest } = kept;
  const { labels, annotations } = object.metadata;
  const metadata = {
    ...rest,
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const { apiVersion, kind, metadata: _metadata, ...own } = object;
  return { kind, apiVersion, metadata, ...own };
}
