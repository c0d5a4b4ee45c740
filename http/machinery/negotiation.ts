/** Which form of an answer a client wants. */
import { ApiError } from "../../machines/objects/status.ts";

export type Format = "json" | "yaml";
export type View = "plain" | "Table" | "PartialObjectMetadata";

export interface Representation {
  readonly format: Format;
  readonly view: View;
  readonly pretty: boolean;
}

interface Range {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

function ranges(accept: string): Range[] {
  const found = accept.split(",").filter((text) => text.trim() !== "").map((text) => {
    const [type = "", ...rest] = text.split(";").map((part) => part.trim());
    const parameters = Object.fromEntries(rest.map((part) => {
      const equals = part.indexOf("=");
      return equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1).replace(/^"|"$/g, "")];
    }));
    return { type: type.toLowerCase(), parameters, quality: Number(parameters.q ?? 1) };
  });
  return found.sort((a, b) => b.quality - a.quality);
}

// Protobuf may be asked for; every client that does reads JSON too.
const formats: Readonly<Record<string, Format>> = {
  "application/json": "json",
  "application/vnd.kubernetes.protobuf": "json",
  "application/*": "json",
  "*/*": "json",
  "application/yaml": "yaml",
};

const prettyAgents = ["curl", "Wget", "Mozilla/5.0"];

const known = new Map<string, Omit<Representation, "pretty">>();

/** @throws ApiError 406 */
export function negotiate(
  accept: string,
  query: URLSearchParams,
  userAgent: string,
): Representation {
  let chosen = known.get(accept);
  if (chosen === undefined) {
    chosen = choose(accept);
    if (known.size < 1_000) known.set(accept, chosen);
  }
  const asked = query.get("pretty");
  const pretty = asked === null
    ? prettyAgents.some((agent) => userAgent.startsWith(agent))
    : asked !== "false" && asked !== "0";
  return { ...chosen, pretty };
}

function choose(accept: string): Omit<Representation, "pretty"> {
  if (accept.trim() === "") return { format: "json", view: "plain" };
  let readable = false;
  for (const { type, parameters } of ranges(accept)) {
    const format = formats[type];
    if (format === undefined) continue;
    readable = true;
    const { as, g = "", v = "" } = parameters;
    if (as === undefined) return { format, view: "plain" };
    if (g !== "meta.k8s.io" || v !== "v1") continue;
    if (as === "Table") return { format, view: "Table" };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
      return { format, view: "PartialObjectMetadata" };
    }
  }
  if (readable) {
    throw new ApiError(
      406,
      "NotAcceptable",
      "only the following media types are accepted: application/json, application/yaml, " +
        "application/vnd.kubernetes.protobuf",
    );
  }
  throw new ApiError(
    406,
    "NotAcceptable",
    "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, " +
      "application/vnd.kubernetes.protobuf, application/json;stream=watch, " +
      "application/vnd.kubernetes.protobuf;stream=watch",
    {},
  );
}

/** Whether a client that asked for discovery wants all of it in one document. */
export function wantsAggregatedDiscovery(accept: string): boolean {
  for (const { type, parameters: { as, g, v } } of ranges(accept)) {
    if (formats[type] === undefined) continue;
    return as === "APIGroupDiscoveryList" && g === "apidiscovery.k8s.io" && v === "v2";
  }
  return false;
}
