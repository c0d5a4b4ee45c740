/** Signs certificate signing requests with the cluster's authority. Who may have which is decided elsewhere. */
import { readCertificationRequest } from "../../../machines/controllers/certificates/certification_request.ts";
import type { CertificateAuthority } from "../../../ports/certificate_authority.ts";
import { certify, derOf, type KeyPair, requestedKey } from "./issue.ts";

const daySeconds = 86_400;

/** `now`: wall time in ms. */
export function certificateAuthority(authority: KeyPair, now: () => number): CertificateAuthority {
  return {
    async certify({ request, usages, validSeconds }) {
      const names = readCertificationRequest(derOf(request));
      if (names === undefined) {
        throw new Error("Cannot sign a request: it is no certification request that can be read");
      }
      const key = await requestedKey(request);
      return await certify(authority, { ...names, usages, validDays: validSeconds / daySeconds }, key, now());
    },
  };
}
