/** Requests that take as long as their clients want. */
import type { RequestInfo } from "./request_info.ts";

const streams = new Set(["exec", "attach", "portforward", "log", "proxy"]);

export function isStream(subresource: string): boolean {
  return streams.has(subresource);
}

export function lasts({ verb, subresource }: Pick<RequestInfo, "verb" | "subresource">): boolean {
  return verb === "watch" || isStream(subresource);
}
