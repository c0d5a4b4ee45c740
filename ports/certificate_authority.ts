/** Whoever holds the key of the cluster's authority. */
import type { CertificateWanted } from "../machines/controllers/controller.ts";

export interface CertificateAuthority {
  /**
   * A certificate (PEM) with the names of the request, once its signature has shown that who asks holds the key.
   *
   * @throws Error when the request cannot be read or bears another key's signature.
   */
  certify(wanted: CertificateWanted): Promise<string>;
}
