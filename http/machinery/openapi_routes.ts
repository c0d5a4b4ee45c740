/** `/openapi/v2` and `/openapi/v3`: documents are encoded once and kept. */
import type { Hono } from "hono";
import type { AppEnvironment } from "../app.ts";
import { header } from "./header.ts";
import { notFoundPage } from "./responses.ts";
import type { SchemaAccess } from "./schema_access.ts";

/** Asked for with an @ and answered with a dot, because no media type has an @. */
const protobufAsked = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const protobufSent = protobufAsked.replace("@", ".");

const encoder = new TextEncoder();

export function openapiRoutes(app: Hono<AppEnvironment>, schema: SchemaAccess): void {
  const encoded = new Map<string, Promise<Uint8Array<ArrayBuffer> | undefined>>();
  let revision = schema.revision;
  const documentAt = (path: string, make: () => unknown | Promise<unknown>) => {
    if (schema.revision !== revision) {
      encoded.clear();
      revision = schema.revision;
    }
    let document = encoded.get(path);
    if (document === undefined) {
      document = Promise.resolve(make()).then((value) =>
        value instanceof Uint8Array || value === undefined
          ? value as Uint8Array<ArrayBuffer> | undefined
          : encoder.encode(JSON.stringify(value))
      );
      encoded.set(path, document);
      // What failed or is not there may be there later.
      document.then((bytes) => bytes ?? encoded.delete(path), () => encoded.delete(path));
    }
    return document;
  };
  const respond = async (path: string, make: () => unknown | Promise<unknown>, type = "application/json") => {
    const bytes = await documentAt(path, make);
    if (bytes === undefined) return notFoundPage();
    return new Response(bytes, {
      headers: { "content-type": type, "vary": "Accept", "cache-control": "no-cache, private" },
    });
  };
  app.get("/openapi/v2", (c) => {
    const asked = header(c, "accept").split(",").map((one) => one.split(";")[0]!.trim());
    const json = asked.indexOf("application/json"), protobuf = asked.indexOf(protobufAsked);
    if (protobuf < 0 || (json >= 0 && json < protobuf) || schema.openapiV2Protobuf === undefined) {
      return respond("v2", () => schema.openapiV2());
    }
    return respond("v2 protobuf", () => schema.openapiV2Protobuf!(), protobufSent);
  });
  app.get("/openapi/v3", () => respond("v3", () => schema.openapiV3Index()));
  app.get("/openapi/v3/*", (c) => {
    const path = c.req.path.slice("/openapi/v3/".length);
    return respond(`v3/${path}`, () => schema.openapiV3(path));
  });
}
