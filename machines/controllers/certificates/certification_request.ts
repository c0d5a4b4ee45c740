/**
 * The names in a certification request (PKCS #10, RFC 2986): whom it would be for. A small reader of DER: what it does
 * not know makes the request unreadable rather than half read.
 */
export interface CertificationNames {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Names of other sorts: mail addresses, URIs. */
  readonly otherNames: readonly string[];
}

interface Piece {
  readonly tag: number;
  readonly content: Uint8Array;
}

const tags = { sequence: 0x30, set: 0x31, oid: 0x06, octets: 0x04, attributes: 0xa0 } as const;
const oids = { commonName: "550403", organization: "55040a", extensions: "2a864886f70d01090e", otherNames: "551d11" };

/** Undefined when it is no request that can be read. */
export function readCertificationRequest(der: Uint8Array): CertificationNames | undefined {
  try {
    const [request] = pieces(der);
    const [info] = pieces(contentOf(request, tags.sequence));
    const [, subject, , attributes] = pieces(contentOf(info, tags.sequence));
    const names = subjectNames(contentOf(subject, tags.sequence));
    return { ...names, ...alternativeNames(attributes) };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

class DerError extends Error {
  override name = "DerError";
}

function pieces(bytes: Uint8Array): Piece[] {
  const found: Piece[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? 0;
    at += 2;
    if (length > 0x80) {
      const digits = length - 0x80;
      if (digits > 3) throw new DerError("Cannot read DER: a piece is too long");
      length = 0;
      for (let i = 0; i < digits; i++) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) throw new DerError("Cannot read DER: a piece is cut off");
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function contentOf(piece: Piece | undefined, tag: number): Uint8Array {
  if (piece?.tag !== tag) throw new DerError(`Cannot read DER: tag ${piece?.tag ?? "none"} stands where ${tag} should`);
  return piece.content;
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A name is a sequence of sets of (type, value). */
function subjectNames(name: Uint8Array): { commonName: string; organizations: string[] } {
  let commonName = "";
  const organizations: string[] = [];
  for (const set of pieces(name)) {
    for (const pair of pieces(contentOf(set, tags.set))) {
      const [type, value] = pieces(contentOf(pair, tags.sequence));
      const oid = hex(contentOf(type, tags.oid));
      if (oid === oids.commonName) commonName = text(value?.content ?? new Uint8Array());
      if (oid === oids.organization) organizations.push(text(value?.content ?? new Uint8Array()));
    }
  }
  return { commonName, organizations };
}

function alternativeNames(attributes: Piece | undefined): Omit<CertificationNames, "commonName" | "organizations"> {
  const found = { dnsNames: [] as string[], ipAddresses: [] as string[], otherNames: [] as string[] };
  if (attributes === undefined) return found;
  for (const attribute of pieces(contentOf(attributes, tags.attributes))) {
    const [type, values] = pieces(contentOf(attribute, tags.sequence));
    if (hex(contentOf(type, tags.oid)) !== oids.extensions) continue;
    for (const list of pieces(contentOf(values, tags.set))) {
      for (const extension of pieces(contentOf(list, tags.sequence))) {
        const parts = pieces(contentOf(extension, tags.sequence));
        if (hex(contentOf(parts[0], tags.oid)) !== oids.otherNames) continue;
        const [names] = pieces(contentOf(parts.at(-1), tags.octets));
        for (const { tag, content } of pieces(contentOf(names, tags.sequence))) {
          if (tag === 0x82) found.dnsNames.push(text(content));
          else if (tag === 0x87) found.ipAddresses.push(addressText(content));
          else found.otherNames.push(text(content));
        }
      }
    }
  }
  return found;
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new DerError("Cannot read DER: an address has neither 4 nor 16 bytes");
  return Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! * 256 + bytes[2 * i + 1]!).toString(16)).join(":");
}
