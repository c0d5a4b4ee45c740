import { type KeyPair, makeAuthority } from "../http/auth/certificates/issue.ts";
import type { KeyFiles } from "../http/auth/certificates/pki.ts";

/** Between members nobody's certificate counts but theirs: those of nodes and people are signed by another authority. */
export async function storeAuthority(files: KeyFiles, now: number): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([files.read("store-ca.crt"), files.read("store-ca.key")]);
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  const made = await makeAuthority("store-ca", now);
  await files.write("store-ca.key", made.key);
  await files.write("store-ca.crt", made.certificate);
  return made;
}
