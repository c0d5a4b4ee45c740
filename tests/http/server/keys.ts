/** A small public-key infrastructure for tests, made once per process. */
import { issue, makeAuthority, type Subject } from "../../../http/auth/certificates/issue.ts";

const now = Date.now();
const day = 86_400_000;
export const authority = await makeAuthority("test-ca", now);
const signed = (subject: Subject, at = now) => issue(authority, subject, at);

export const serving = await signed({
  commonName: "server",
  usages: ["server"],
  ipAddresses: ["127.0.0.1"],
  dnsNames: ["localhost"],
});
export const admin = await signed({
  commonName: "admin",
  organizations: ["system:masters", "ops"],
  usages: ["client"],
});
export const serverOnly = await signed({ commonName: "server", usages: ["server"] });
export const expired = await signed({ commonName: "old", usages: ["client"], validDays: 1 }, now - 10 * day);
export const stranger = await issue(
  await makeAuthority("other-ca", now),
  { commonName: "stranger", usages: ["client"] },
  now,
);
