/** SHA-256, synchronously. */
import { createHash } from "node:crypto";

export function sha256(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(text).digest());
}
