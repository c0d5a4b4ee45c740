/** Kubeconfig files: what kubectl and client libraries read. */
import { Buffer } from "node:buffer";
import { stringify } from "@std/yaml";
import type { KeyPair } from "./issue.ts";

export interface KubeconfigOptions {
  readonly cluster: string;
  readonly user: string;
  /** `https://host:port`. */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly credentials: KeyPair | { readonly token: string };
  readonly namespace?: string;
  /** Default `user@cluster`. */
  readonly context?: string;
}

export function kubeconfig(options: KubeconfigOptions): string {
  const { cluster, user, server, authority, credentials, namespace } = options;
  const context = options.context ?? `${user}@${cluster}`;
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: cluster, cluster: { "certificate-authority-data": base64(authority), server } }],
    contexts: [{ name: context, context: { cluster, user, ...(namespace === undefined ? {} : { namespace }) } }],
    "current-context": context,
    preferences: {},
    users: [{
      name: user,
      user: "token" in credentials ? { token: credentials.token } : {
        "client-certificate-data": base64(credentials.certificate),
        "client-key-data": base64(credentials.key),
      },
    }],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
