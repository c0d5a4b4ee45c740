/**
 * Certificates: authorities and what they sign. Keys are P-256 throughout (an RSA key costs 100 ms and more). The
 * package that encodes X.509 is loaded on first use, so that the server listens without it when its files are there.
 */
import type { X509Certificate, X509CertificateGenerator } from "@peculiar/x509";

/** A certificate and its private key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usages: readonly ("server" | "client")[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** Default: a year. */
  readonly validDays?: number;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const signing = { name: "ECDSA", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
const extendedUsage = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

type X509 = typeof import("@peculiar/x509");
let loading: Promise<X509> | undefined;

/** @peculiar/x509 registers its parts through reflect-metadata, which must be there first. */
function x509(): Promise<X509> {
  return loading ??= import("reflect-metadata").then(() => import("@peculiar/x509"));
}

/** A self-signed authority, good for ten years. `now` is wall time in ms, here and below. */
export async function makeAuthority(commonName: string, now: number): Promise<KeyPair> {
  const [package_, keys] = await Promise.all([x509(), crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])]);
  const certificate = await package_.X509CertificateGenerator.createSelfSigned({
    ...times(now, 3650),
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: signing,
    extensions: [
      new package_.BasicConstraintsExtension(true, undefined, true),
      new package_.KeyUsagesExtension(
        package_.KeyUsageFlags.keyCertSign | package_.KeyUsageFlags.digitalSignature | package_.KeyUsageFlags.cRLSign,
        true,
      ),
      await package_.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await pemOfKey(keys.privateKey) };
}

/** A new key and its certificate, signed by `authority`. */
export async function issue(authority: KeyPair, subject: Subject, now: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return { certificate: await certify(authority, subject, keys.publicKey, now), key: await pemOfKey(keys.privateKey) };
}

/** A certificate for a key somebody else holds (certificate signing requests). */
export async function certify(
  authority: KeyPair,
  subject: Subject,
  publicKey: CryptoKey,
  now: number,
): Promise<string> {
  const package_ = await x509();
  const { privateKey, certificate } = await authorityOf(authority);
  const names: { type: "dns" | "ip"; value: string }[] = [
    ...(subject.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(subject.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const parameters: Parameters<typeof X509CertificateGenerator.create>[0] = {
    ...times(now, subject.validDays ?? 365),
    serialNumber: serialNumber(),
    // Kubernetes reads every O as a group; the order is that of the distinguished name.
    subject: [...(subject.organizations ?? []).map((one) => ({ O: [one] })), { CN: [subject.commonName] }],
    issuer: certificate.subject,
    publicKey,
    signingKey: privateKey,
    signingAlgorithm: signing,
    extensions: [
      new package_.BasicConstraintsExtension(false, undefined, true),
      new package_.KeyUsagesExtension(
        package_.KeyUsageFlags.digitalSignature | package_.KeyUsageFlags.keyEncipherment,
        true,
      ),
      new package_.ExtendedKeyUsageExtension(subject.usages.map((usage) => extendedUsage[usage])),
      await package_.AuthorityKeyIdentifierExtension.create(certificate.publicKey),
      ...(names.length === 0 ? [] : [new package_.SubjectAlternativeNameExtension(names)]),
    ],
  };
  return pem(await package_.X509CertificateGenerator.create(parameters));
}

/** The key of a PKCS #10 request. @throws Error when the request is not signed with it. */
export async function requestedKey(request: string): Promise<CryptoKey> {
  const package_ = await x509();
  const parsed = new package_.Pkcs10CertificateRequest(derOf(request));
  if (!await parsed.verify()) throw new Error("Cannot sign a request: its signature is not by the key that it names");
  return await parsed.publicKey.export();
}

/** A PKCS #10 request for a key, PEM: `key` is PKCS #8 PEM. */
export async function certificationRequest(subject: Omit<Subject, "usages">, key: string): Promise<string> {
  const package_ = await x509();
  const privateKey = await crypto.subtle.importKey("pkcs8", derOf(key), algorithm, true, ["sign"]);
  const { d: _, ...publicPart } = await crypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await crypto.subtle.importKey("jwk", { ...publicPart, key_ops: ["verify"] }, algorithm, true, [
    "verify",
  ]);
  const names: { type: "dns" | "ip"; value: string }[] = [
    ...(subject.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(subject.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const request = await package_.Pkcs10CertificateRequestGenerator.create({
    name: [...(subject.organizations ?? []).map((one) => ({ O: [one] })), { CN: [subject.commonName] }],
    keys: { privateKey, publicKey },
    signingAlgorithm: signing,
    extensions: names.length === 0 ? [] : [new package_.SubjectAlternativeNameExtension(names)],
  });
  return `${request.toString("pem").trimEnd()}\n`;
}

/** Parsing and importing costs more than signing, and one start signs a dozen with the same authority. */
const authorities = new Map<string, Promise<{ privateKey: CryptoKey; certificate: X509Certificate }>>();

function authorityOf({ certificate, key }: KeyPair) {
  let known = authorities.get(certificate);
  if (known === undefined) {
    known = x509().then(async (package_) => ({
      privateKey: await crypto.subtle.importKey("pkcs8", derOf(key), algorithm, false, ["sign"]),
      certificate: new package_.X509Certificate(certificate),
    }));
    if (authorities.size > 16) authorities.clear();
    authorities.set(certificate, known);
  }
  return known;
}

/** A P-256 signing key alone, PKCS #8 PEM (service account tokens). */
export async function makeSigningKey(): Promise<string> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return await pemOfKey(keys.privateKey);
}

/** From five minutes ago, so that a peer whose clock is a little behind believes it at once. */
function times(now: number, validDays: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - 300_000), notAfter: new Date(now + validDays * dayMs) };
}

/** Positive and 16 bytes, as CAs number theirs. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pem(certificate: X509Certificate): string {
  return certificate.toString("pem").trimEnd() + "\n";
}

async function pemOfKey(key: CryptoKey): Promise<string> {
  return toPem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", key)));
}

export function toPem(label: string, der: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...der));
  return `-----BEGIN ${label}-----\n${base64.replace(/.{64}/g, "$&\n").trimEnd()}\n-----END ${label}-----\n`;
}

/** The bytes of the first block of a PEM text. */
export function derOf(text: string): Uint8Array<ArrayBuffer> {
  const body = /-----BEGIN [A-Z0-9 ]+-----([^-]+)-----END/.exec(text)?.[1];
  if (body === undefined) throw new Error(`Cannot read PEM: it begins ${JSON.stringify(text.slice(0, 30))}`);
  return Uint8Array.from(atob(body.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
}
