import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** Bytes of a public key, of a secret and of an authentication tag. */
export const KEY_BYTES = 32;
export const TAG_BYTES = 16;

/** What comes before the 32 bytes of a key in its DER form (RFC 8410). */
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

export type KeyPair = { readonly secret: KeyObject; readonly publicBytes: Uint8Array };

/** A fresh X25519 key pair (RFC 7748), of the system's randomness and not of a run's seed. */
export const newKeyPair = (): KeyPair => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { secret: privateKey, publicBytes: publicKey.export({ type: 'spki', format: 'der' }).subarray(-KEY_BYTES) };
};

/** The 32 bytes of a secret key, to be shared out. */
export const secretBytes = (secret: KeyObject): Uint8Array => secret.export({ type: 'pkcs8', format: 'der' }).subarray(-KEY_BYTES);

export const secretOf = (bytes: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, bytes]), format: 'der', type: 'pkcs8' });

const publicOf = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, bytes]), format: 'der', type: 'spki' });

export const newSeed = (): Uint8Array => randomBytes(KEY_BYTES);

/** The secret that two devices share: X25519, before any key is derived from it. Throws for bytes that are no key. */
export const agree = (secret: KeyObject, other: Uint8Array): Uint8Array =>
  diffieHellman({ privateKey: secret, publicKey: publicOf(other) });

/** A key for one purpose (HKDF with SHA-256, RFC 5869). */
export const derive = (secret: Uint8Array, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', purpose, KEY_BYTES));

/** A key seals one message, so that the nonce may be the same for all. */
const NONCE = new Uint8Array(12);

/** AES-256-GCM; `about` is authenticated with it. */
export const seal = (key: Uint8Array, text: Uint8Array, about: string): Uint8Array => {
  const cipher = createCipheriv('aes-256-gcm', key, NONCE).setAAD(Buffer.from(about));
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
};

/** Throws if anything of it was changed. */
export const unseal = (key: Uint8Array, sealed: Uint8Array, about: string): Uint8Array => {
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE).setAAD(Buffer.from(about));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
};
