/**
 * How a machine that joins comes to know whom it talks to: what anybody may read of the cluster (cluster-info) counts
 * once it is signed with the machine's own token, and, if a hash was given, names that very authority.
 */
import { Buffer } from "node:buffer";
import { createHash, X509Certificate } from "node:crypto";
import https from "node:https";
import { parse } from "@std/yaml";
import { isSignedBy } from "../http/auth/tokens/bootstrap_tokens.ts";
import { signaturePrefix } from "../machines/controllers/bootstrap_tokens/bootstrap_controllers.ts";
import { tokenParts } from "../machines/controllers/bootstrap_tokens/bootstrap_token.ts";

export interface JoinAddress {
  /** `https://host:port`. */
  readonly server: string;
  readonly token: string;
  /** `sha256:...` of the authority's public key, as kubeadm writes it. */
  readonly caHash?: string | undefined;
}

/** The controller that signs with a new token may take a moment. */
const patienceMs = 20_000;
const infoPath = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

/** `sha256:HEX` of an authority's public key. */
export function authorityHash(pem: string): string {
  const key = new X509Certificate(Buffer.from(pem)).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key as Uint8Array).digest("hex")}`;
}

/** The cluster's authority, PEM. @throws Error saying why it is not believed. */
export async function discoverAuthority({ server, token, caHash }: JoinAddress): Promise<string> {
  const parts = tokenParts(token);
  if (parts === undefined) {
    throw new Error(
      'Cannot join: the token must look like "abcdef.0123456789abcdef" (chartroom token create prints one)',
    );
  }
  if (!/^https:\/\/[^/]+$/.test(server)) throw new Error(`Cannot join "${server}": it must be https://host:port`);
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const info = await readInfo(server);
    const content = info["kubeconfig"];
    const signature = info[`${signaturePrefix}${parts.id}`];
    if (content !== undefined && signature !== undefined) {
      if (!isSignedBy(signature, content, token)) {
        throw new Error(
          `Cannot join ${server}: what it says about the cluster is not signed with this token; the token is wrong, or ` +
            "somebody else answers there",
        );
      }
      return trusted(content, server, caHash);
    }
    if (performance.now() > deadline) {
      throw new Error(
        `Cannot join ${server}: the cluster knows no token "${parts.id}"; it is wrong or has expired ` +
          "(chartroom token list)",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function trusted(kubeconfig: string, server: string, caHash: string | undefined): string {
  const { clusters } = parse(kubeconfig) as { clusters: { cluster: Record<string, string> }[] };
  const authority = atob(clusters[0]?.cluster["certificate-authority-data"] ?? "");
  const hash = authorityHash(authority);
  if (caHash !== undefined && caHash !== hash) {
    throw new Error(`Cannot join ${server}: its authority's hash is ${hash}, not ${caHash}`);
  }
  return authority;
}

/** Nobody is believed yet: this is read without looking at the certificate, and only what is signed counts. */
function readInfo(server: string): Promise<Readonly<Record<string, string>>> {
  const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, string>>>();
  const options = { rejectUnauthorized: false, ca: [], agent: false as const, timeout: 10_000 };
  const request = https.get(`${server}${infoPath}`, options, (reply) => {
    let text = "";
    reply.setEncoding("utf8");
    reply.on("data", (piece: string) => text += piece);
    reply.on("error", reject);
    reply.on("end", () => {
      if (reply.statusCode === 200) return resolve((JSON.parse(text) as { data?: Record<string, string> }).data ?? {});
      if (reply.statusCode === 403 || reply.statusCode === 404) {
        return reject(
          new Error(`Cannot join ${server}: it says nothing about the cluster yet; run "chartroom token create" there`),
        );
      }
      reject(new Error(`Cannot join ${server}: it answered ${reply.statusCode}: ${text.slice(0, 200)}`));
    });
  });
  request.on("timeout", () => request.destroy(new Error("it did not answer within 10 s")));
  request.on("error", (error: Error) => reject(new Error(`Cannot reach ${server}: ${error.message}`)));
  return promise;
}
