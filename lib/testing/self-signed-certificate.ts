import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

const DAY_MS = 24 * 60 * 60 * 1000;
const VALID_DAYS = 365;
const ECDSA_WITH_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const BASIC_CONSTRAINTS = '0603551d13';
const SUBJECT_ALTERNATIVE_NAME = '0603551d11';

const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  text: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export interface SelfSignedCertificate {
  readonly key: KeyObject;
  readonly pem: string;
}

/**
 * A certificate for 127.0.0.1 and localhost that nobody trusts, with a key of its own, made anew each time: no private
 * key lies in the package. Node can sign, but has no way to write X.509; of its DER this is the little that is needed.
 */
export function selfSignedCertificate(now = Date.now()): SelfSignedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = der(Tag.sequence, hex(ECDSA_WITH_SHA256));
  const name = der(
    Tag.sequence,
    der(Tag.set, der(Tag.sequence, hex(COMMON_NAME), der(Tag.text, Buffer.from('scripted upstream')))),
  );
  const serial = randomBytes(8);
  serial[0] = 0x01;
  const certificate = der(
    Tag.sequence,
    der(0xa0, der(Tag.integer, Buffer.from([2]))),
    der(Tag.integer, serial),
    algorithm,
    name,
    der(Tag.sequence, time(now - DAY_MS), time(now + VALID_DAYS * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(Tag.sequence, constraints(), alternativeNames())),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', certificate, privateKey)]);
  const signed = der(Tag.sequence, certificate, algorithm, der(Tag.bits, signature));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey,
    pem: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
  };
}

/** It vouches for itself, for those who choose to trust it. */
function constraints(): Buffer {
  const yes = der(Tag.boolean, Buffer.from([0xff]));
  return der(Tag.sequence, hex(BASIC_CONSTRAINTS), yes, der(Tag.octets, der(Tag.sequence, yes)));
}

function alternativeNames(): Buffer {
  const names = der(
    Tag.sequence,
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
  );
  return der(Tag.sequence, hex(SUBJECT_ALTERNATIVE_NAME), der(Tag.octets, names));
}

function time(ms: number): Buffer {
  return der(Tag.time, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex');
}

/** A tag, the length of what it holds, and that. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
