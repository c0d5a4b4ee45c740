/** One header of a request, without making a `Headers` of all of them where the listener has them as a record. */
import type { Context } from "hono";
import type { AppEnvironment } from "../app.ts";

/** "" when it was not sent. */
export function header(c: Context<AppEnvironment>, name: string): string {
  const sent = c.env?.headers;
  if (sent === undefined) return c.req.header(name) ?? "";
  const value = sent[name];
  return value === undefined ? "" : typeof value === "string" ? value : value.join(", ");
}
