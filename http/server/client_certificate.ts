/** What a client certificate says: read once per connection, when TLS is set up. */
import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Credentials } from "../machinery/types.ts";

export type ClientCertificate = Pick<Credentials, "clientCertificate" | "clientCertificateError">;

const none: ClientCertificate = { clientCertificate: undefined };

/** TLS has verified the chain against the client CA and the possession of the key, or says why not. */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate {
  const peer = socket.getPeerCertificate?.() as unknown as
    | { raw?: Uint8Array; subject?: Record<string, string | string[] | undefined> }
    | undefined
    | null;
  if (peer === undefined || peer === null || peer.raw === undefined) return none;
  if (!socket.authorized) return { ...none, clientCertificateError: String(socket.authorizationError ?? "refused") };
  const { subject = {} } = peer;
  const [commonName = ""] = values(subject["CN"]);
  const sha256 = createHash("sha256").update(peer.raw).digest("hex");
  return { clientCertificate: { commonName, organizations: values(subject["O"]), sha256 } };
}

function values(field: string | string[] | undefined): string[] {
  if (field === undefined) return [];
  return typeof field === "string" ? [field] : field;
}
