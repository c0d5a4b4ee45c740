/** Which form of an answer a client wants. */
import { ApiError } from "../../machines/objects/status.ts";

export type Format = "json" | "yaml" | "protobuf";
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

export const protobufType = "application/vnd.kubernetes.protobuf";

const formats: Readonly<Record<string, Format>> = {
  "application/json": "json",
  [protobufType]: "protobuf",
  "application/*": "json",
  "*/*": "json",
  "application/yaml": "yaml",
};

const prettyAgents = ["curl", "Wget", "Mozilla/5.0"];

type Chosen = Omit<Representation, "pretty">;

/** By the header, with and without protobuf. */
const known = [new Map<string, Chosen>(), new Map<string, Chosen>()] as const;

/**
 * @param offersProtobuf Whether what is asked for can be written so.
 * @throws ApiError 406
 */
export function negotiate(
  accept: string,
  query: URLSearchParams,
  userAgent: string,
  offersProtobuf: boolean,
): Representation {
  const before = known[offersProtobuf ? 1 : 0];
  let chosen = before.get(accept);
  if (chosen === undefined) {
    chosen = choose(accept, offersProtobuf);
    if (before.size < 1_000) before.set(accept, chosen);
  }
  const asked = query.get("pretty");
  const pretty = asked === null
    ? prettyAgents.some((agent) => userAgent.startsWith(agent))
    : asked !== "false" && asked !== "0";
  return { ...chosen, pretty };
}

/** The form of a refusal: JSON where the client wants what cannot be written. */
export function formatOfRefusal(accept: string, offersProtobuf: boolean): Format {
  try {
    return choose(accept, offersProtobuf).format;
  } catch (error) {
    if (error instanceof ApiError) return "json";
    throw error;
  }
}

function choose(accept: string, offersProtobuf: boolean): Chosen {
  if (accept.trim() === "") return { format: "json", view: "plain" };
  let readable = false;
  for (const { type, parameters } of ranges(accept)) {
    const format = formats[type];
    if (format === undefined || format === "protobuf" && !offersProtobuf) continue;
    readable = true;
    const { as, g = "", v = "" } = parameters;
    if (as === undefined) return { format, view: "plain" };
    if (g !== "meta.k8s.io" || v !== "v1") continue;
    if (as === "Table") return { format, view: "Table" };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
      return { format, view: "PartialObjectMetadata" };
    }
  }
  const types = ["application/json", "application/yaml", ...offersProtobuf ? [protobufType] : []];
  if (readable) {
    throw new ApiError(406, "NotAcceptable", `only the following media types are accepted: ${types.join(", ")}`);
  }
  const streams = types.filter((type) => type !== "application/yaml").map((type) => `${type};stream=watch`);
  throw new ApiError(
    406,
    "NotAcceptable",
    `406: Not Acceptable\n\nAvailable representations: ${[...types, ...streams].join(", ")}`,
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
