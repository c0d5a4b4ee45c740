/** `/openapi/v2` and `/openapi/v3`: documents are encoded once and kept. */
import type { Hono } from "hono";
import type { AppEnvironment } from "../app.ts";
import { notFoundPage } from "./responses.ts";
import type { SchemaAccess } from "./schema_access.ts";

const encoder = new TextEncoder();

export function openapiRoutes(app: Hono<AppEnvironment>, schema: SchemaAccess): void {
  const encoded = new Map<string, Promise<Uint8Array<ArrayBuffer> | undefined>>();
  const documentAt = (path: string, make: () => unknown | Promise<unknown>) => {
    let document = encoded.get(path);
    if (document === undefined) {
      document = Promise.resolve(make()).then((value) =>
        value === undefined ? undefined : encoder.encode(JSON.stringify(value))
      );
      encoded.set(path, document);
      // What failed or is not there may be there later.
      document.then((bytes) => bytes ?? encoded.delete(path), () => encoded.delete(path));
    }
    return document;
  };
  const respond = async (path: string, make: () => unknown | Promise<unknown>) => {
    const bytes = await documentAt(path, make);
    if (bytes === undefined) return notFoundPage();
    return new Response(bytes, {
      headers: { "content-type": "application/json", "vary": "Accept", "cache-control": "no-cache, private" },
    });
  };
  app.get("/openapi/v2", () => respond("v2", () => schema.openapiV2()));
  app.get("/openapi/v3", () => respond("v3", () => schema.openapiV3Index()));
  app.get("/openapi/v3/*", (c) => {
    const path = c.req.path.slice("/openapi/v3/".length);
    return respond(`v3/${path}`, () => schema.openapiV3(path));
  });
}
