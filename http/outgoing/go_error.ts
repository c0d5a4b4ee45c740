/** What stood in the way of a connection, as Go's HTTP client says it: operators search for these words. */
export function goNetworkError(error: unknown, address: string): string {
  const { code = "", message } = error as { code?: string; message: string };
  const host = address.slice(0, address.lastIndexOf(":"));
  for (const [pattern, said] of certificates) if (pattern.test(`${code} ${message}`)) return `${tls}: ${said}`;
  const why = system.find(([pattern]) => pattern.test(`${code} ${message}`))?.[1];
  if (why !== undefined) return `dial tcp ${address}: ${why}`;
  if (/ENOTFOUND|EAI_|lookup address/.test(`${code} ${message}`)) return `dial tcp: lookup ${host}: no such host`;
  if (/ECONNRESET|socket hang up|closed before|unexpected end/i.test(`${code} ${message}`)) return "EOF";
  return message;
}

const tls = "tls: failed to verify certificate";
const certificates: readonly (readonly [RegExp, string])[] = [
  [
    /UnknownIssuer|SELF_SIGNED|UNABLE_TO_|unable to (?:verify|get)|self.signed/i,
    "x509: certificate signed by unknown authority",
  ],
  [/NotValidForName|ALTNAME|altnames/i, "x509: certificate is not valid for the name of the server"],
  [/Expired|CERT_HAS_EXPIRED/i, "x509: certificate has expired or is not yet valid"],
];
const system: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|refused/i, "connect: connection refused"],
  [/EHOSTUNREACH|no route/i, "connect: no route to host"],
  [/ENETUNREACH|unreachable/i, "connect: network is unreachable"],
  [/ETIMEDOUT/i, "i/o timeout"],
];
