/** The inspector page's files, as they were built, from the project's own folder. */
import { createHash } from "node:crypto";
import type { Asset } from "../http/inspector/inspector_routes.ts";

const folder = new URL("../http/inspector/page/dist/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  woff2: "font/woff2",
};

const known = new Map<string, Asset>();

/** Plain names only: nothing outside of the folder is ever read. */
const safe = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

export async function pageAsset(path: string): Promise<Asset | undefined> {
  if (!safe.test(path)) return undefined;
  const held = known.get(path);
  if (held !== undefined) return held;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(new URL(path, folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return undefined;
    throw error;
  }
  const asset = {
    bytes,
    type: types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`,
  };
  known.set(path, asset);
  return asset;
}
