/**
 * The keys of a cluster on disk: made once, mode 0600, read at every later start. File names are kubeadm's, so that
 * people and tools find what they look for. Leaf certificates that expire soon, or no longer cover an address, are made
 * again with the same authority.
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { issue, type KeyPair, makeAuthority, makeSigningKey, type Subject } from "./issue.ts";

/** What has to be the same on all masters: made by the first, handed to those who join. */
export interface ClusterKeys {
  readonly authority: KeyPair;
  readonly frontProxyAuthority: KeyPair;
  /** PKCS #8 PEM, P-256. */
  readonly serviceAccountKey: string;
}

/** The files of a pki directory that the caller provides; paths are relative to it. */
export interface KeyFiles {
  read(path: string): Promise<string | undefined>;
  /** Mode 0600, directories 0700; whole or not at all. */
  write(path: string, content: string): Promise<void>;
}

/** Reads the cluster's keys, making what is missing. `now` is wall time in ms, here and below. */
export async function clusterKeys(files: KeyFiles, now: number): Promise<ClusterKeys> {
  const [authority, frontProxyAuthority, serviceAccountKey] = await Promise.all([
    keptPair(files, "ca", () => makeAuthority("kubernetes", now)),
    keptPair(files, "front-proxy-ca", () => makeAuthority("front-proxy-ca", now)),
    kept(files, "sa.key", makeSigningKey),
  ]);
  return { authority, frontProxyAuthority, serviceAccountKey };
}

/** Writes what another master handed over. @throws Error when other keys are there already. */
export async function installClusterKeys(files: KeyFiles, keys: ClusterKeys): Promise<void> {
  const contents: Record<string, string> = {
    "ca.crt": keys.authority.certificate,
    "ca.key": keys.authority.key,
    "front-proxy-ca.crt": keys.frontProxyAuthority.certificate,
    "front-proxy-ca.key": keys.frontProxyAuthority.key,
    "sa.key": keys.serviceAccountKey,
  };
  for (const [path, content] of Object.entries(contents)) {
    const before = await files.read(path);
    if (before !== undefined && before !== content) {
      throw new Error(`Cannot install the cluster's keys: "${path}" belongs to another cluster`);
    }
    if (before === undefined) await files.write(path, content);
  }
}

/** The certificate `name` (`apiserver`, `admin`, ...): the one on disk if it still serves, else a new one. */
export async function keptCertificate(
  files: KeyFiles,
  name: string,
  authority: KeyPair,
  subject: Subject,
  now: number,
): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([files.read(`${name}.crt`), files.read(`${name}.key`)]);
  if (certificate !== undefined && key !== undefined && stillServes(certificate, authority, subject, now)) {
    return { certificate, key };
  }
  const made = await issue(authority, subject, now);
  await Promise.all([files.write(`${name}.key`, made.key), files.write(`${name}.crt`, made.certificate)]);
  return made;
}

const renewalMs = 30 * 86_400_000;

function stillServes(pem: string, authority: KeyPair, subject: Subject, now: number): boolean {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(Buffer.from(pem));
    if (!certificate.checkIssued(new X509Certificate(Buffer.from(authority.certificate)))) return false;
  } catch {
    return false;
  }
  if (Date.parse(certificate.validTo) - now < renewalMs) return false;
  const lines = certificate.subject.split("\n");
  if (!lines.includes(`CN=${subject.commonName}`)) return false;
  const groups = lines.filter((line) => line.startsWith("O=")).map((line) => line.slice(2)).sort();
  if (groups.join("\n") !== [...(subject.organizations ?? [])].sort().join("\n")) return false;
  return (subject.dnsNames ?? []).every((name) => certificate.checkHost(name) !== undefined) &&
    (subject.ipAddresses ?? []).every((address) => certificate.checkIP(address) !== undefined);
}

async function keptPair(files: KeyFiles, name: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([files.read(`${name}.crt`), files.read(`${name}.key`)]);
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  // A certificate without its key is a cluster whose authority somebody keeps elsewhere: never replace it.
  if (certificate !== undefined) throw new Error(`Cannot load the authority "${name}": its key file is missing`);
  const made = await make();
  await files.write(`${name}.key`, made.key);
  await files.write(`${name}.crt`, made.certificate);
  return made;
}

async function kept(files: KeyFiles, path: string, make: () => Promise<string>): Promise<string> {
  const before = await files.read(path);
  if (before !== undefined) return before;
  const made = await make();
  await files.write(path, made);
  return made;
}
