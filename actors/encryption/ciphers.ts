/** The ciphers of encryption at rest, in the byte layout of kube-apiserver: what one wrote the other can read. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import type { CipherName } from "../../machines/encryption/encryption_configuration.ts";

type Bytes = Uint8Array<ArrayBufferLike>;

export interface Cipher {
  /** `place`: the key in the store, where the cipher binds what it encrypts to it. */
  encrypt(secret: Bytes, plain: Bytes, place: Bytes): Bytes;
  /** @throws Error when it was not encrypted with this key, or for another place, or is damaged. */
  decrypt(secret: Bytes, encrypted: Bytes, place: Bytes): Bytes;
}

const gcm = { nonce: 12, tag: 16 };
const cbcBlock = 16;
const boxNonce = 24;

export const ciphers: Readonly<Record<CipherName, Cipher>> = {
  aesgcm: {
    encrypt(secret, plain, place) {
      const nonce = randomBytes(gcm.nonce);
      const cipher = createCipheriv(gcmOf(secret), secret, nonce).setAAD(place);
      return joined(nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag());
    },
    decrypt(secret, encrypted, place) {
      const end = encrypted.length - gcm.tag;
      if (end < gcm.nonce) throw new Error("Cannot decrypt: there is too little of it");
      const decipher = createDecipheriv(gcmOf(secret), secret, encrypted.subarray(0, gcm.nonce)).setAAD(place);
      decipher.setAuthTag(encrypted.subarray(end));
      return joined(decipher.update(encrypted.subarray(gcm.nonce, end)), decipher.final());
    },
  },
  aescbc: {
    encrypt(secret, plain) {
      const start = randomBytes(cbcBlock);
      const cipher = createCipheriv(`aes-${secret.length * 8}-cbc`, secret, start);
      return joined(start, cipher.update(plain), cipher.final());
    },
    decrypt(secret, encrypted) {
      const start = encrypted.subarray(0, cbcBlock);
      const decipher = createDecipheriv(`aes-${secret.length * 8}-cbc`, secret, start);
      return joined(decipher.update(encrypted.subarray(cbcBlock)), decipher.final());
    },
  },
  secretbox: {
    encrypt(secret, plain) {
      const nonce = randomBytes(boxNonce);
      return joined(nonce, xsalsa20poly1305(secret, nonce).encrypt(plain));
    },
    decrypt: (secret, encrypted) =>
      xsalsa20poly1305(secret, encrypted.subarray(0, boxNonce)).decrypt(encrypted.subarray(boxNonce)),
  },
};

function gcmOf(secret: Bytes): "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" {
  return `aes-${secret.length * 8}-gcm` as "aes-256-gcm";
}

function joined(...parts: Bytes[]): Bytes {
  // Not of node's pool: what is kept for long would keep all of that.
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
