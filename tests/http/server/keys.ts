/** A small public-key infrastructure for tests, made once per process. */
import { issue, makeAuthority } from "../../../http/auth/certificates/issue.ts";

export const authority = await makeAuthority("test-ca");
export const serving = await issue(authority, {
  commonName: "server",
  usages: ["server"],
  ipAddresses: ["127.0.0.1"],
  dnsNames: ["localhost"],
});
export const admin = await issue(authority, {
  commonName: "admin",
  organizations: ["system:masters", "ops"],
  usages: ["client"],
});
export const stranger = await issue(await makeAuthority("other-ca"), { commonName: "stranger", usages: ["client"] });
export const expired = await issue(authority, {
  commonName: "old",
  usages: ["client"],
  validDays: 1,
  now: Date.now() - 10 * 86_400_000,
});
export const serverOnly = await issue(authority, { commonName: "server", usages: ["server"] });
