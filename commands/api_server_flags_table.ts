/** Options of the API server under kube-apiserver's names, for `up` and `master`. */

/** How an option's value is understood. A file's and a log's path are made absolute, and a role may read or write it. */
export type FlagKind = "file" | "log" | "number" | "text" | "list" | "switch";

export interface FlagRow {
  readonly flag: string;
  readonly kind: FlagKind;
  readonly says: string;
  readonly choices?: readonly string[];
}

export const flagRows: readonly FlagRow[] = [
  {
    flag: "secrets-encryption",
    kind: "switch",
    says: "encrypt secrets in the store, with a key that is made at the first start; it stays on from then",
  },
  {
    flag: "encryption-provider-config",
    kind: "file",
    says: "what is encrypted in the store, and with which keys (apiserver.config.k8s.io/v1 EncryptionConfiguration)",
  },
  {
    flag: "audit-policy-file",
    kind: "file",
    says: "which requests the audit log tells of, and how much (audit.k8s.io/v1 Policy)",
  },
  { flag: "audit-log-path", kind: "log", says: "the file that the audit log is written to, a JSON line an event" },
  { flag: "audit-log-maxsize", kind: "number", says: "megabytes at which it is put aside; 0: never (default: 100)" },
  { flag: "audit-log-maxbackup", kind: "number", says: "how many that were put aside are kept; 0: all (default: 100)" },
  { flag: "audit-log-maxage", kind: "number", says: "how many days they are kept; 0: for ever (default: 366)" },
  {
    flag: "audit-log-mode",
    kind: "text",
    says:
      "whether requests wait for the log (blocking, the default), fail with it (blocking-strict), or neither (batch)",
    choices: ["batch", "blocking", "blocking-strict"],
  },
  {
    flag: "audit-log-batch-buffer-size",
    kind: "number",
    says: "in batch mode, how many events may wait (default: 10000)",
  },
  { flag: "audit-webhook-config-file", kind: "file", says: "kubeconfig of a webhook that is sent the audit log" },
  {
    flag: "audit-webhook-mode",
    kind: "text",
    says: "as --audit-log-mode (default: batch)",
    choices: ["batch", "blocking", "blocking-strict"],
  },
  { flag: "audit-webhook-batch-buffer-size", kind: "number", says: "how many events may wait for it (default: 10000)" },
  { flag: "audit-webhook-batch-max-size", kind: "number", says: "how many it is sent at once (default: 400)" },
  { flag: "audit-webhook-batch-max-wait", kind: "number", says: "seconds that a batch waits to be full (default: 30)" },
  {
    flag: "authentication-config",
    kind: "file",
    says: "whose tokens are believed besides the cluster's (apiserver.config.k8s.io/v1 AuthenticationConfiguration)",
  },
  { flag: "oidc-issuer-url", kind: "text", says: "one such issuer of OpenID tokens, without a file" },
  { flag: "oidc-client-id", kind: "text", says: "for whom its tokens must be: their aud" },
  { flag: "oidc-ca-file", kind: "file", says: "the authority of the issuer's certificate (default: the host's)" },
  { flag: "oidc-username-claim", kind: "text", says: "the claim that is the user's name (default: sub)" },
  { flag: "oidc-username-prefix", kind: "text", says: "put before it; -: nothing (default: the issuer's URL and #)" },
  { flag: "oidc-groups-claim", kind: "text", says: "the claim that has the user's groups" },
  { flag: "oidc-groups-prefix", kind: "text", says: "put before each group" },
  { flag: "oidc-required-claim", kind: "list", says: "claim=value that a token must have; may be repeated" },
  { flag: "oidc-signing-algs", kind: "text", says: "how tokens may be signed, with commas between (default: RS256)" },
  {
    flag: "authentication-token-webhook-config-file",
    kind: "file",
    says: "kubeconfig of a webhook that is asked whose a token is, by TokenReviews of v1",
  },
  {
    flag: "authentication-token-webhook-cache-ttl",
    kind: "number",
    says: "seconds for which its answers are remembered (default: 120)",
  },
  {
    flag: "authorization-webhook-config-file",
    kind: "file",
    says: "kubeconfig of a webhook that is asked about what RBAC does not allow, by SubjectAccessReviews of v1",
  },
  {
    flag: "authorization-webhook-cache-authorized-ttl",
    kind: "number",
    says: "seconds for which it is remembered what it allows (default: 300)",
  },
  {
    flag: "authorization-webhook-cache-unauthorized-ttl",
    kind: "number",
    says: "seconds for which it is remembered what it does not (default: 30)",
  },
];
