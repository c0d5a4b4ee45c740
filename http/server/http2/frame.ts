/** The frames of HTTP/2 (RFC 9113, section 4 and 6) by number, and the two kinds of fault a peer can be told of. */

export const enum FrameType {
  data = 0,
  headers = 1,
  priority = 2,
  reset = 3,
  settings = 4,
  pushPromise = 5,
  ping = 6,
  goAway = 7,
  windowUpdate = 8,
  continuation = 9,
}

export const enum Flag {
  none = 0,
  /** Of DATA and HEADERS. */
  endStream = 1,
  /** Of SETTINGS and PING. */
  ack = 1,
  endHeaders = 4,
  padded = 8,
  priority = 32,
}

export const enum Setting {
  headerTableSize = 1,
  enablePush = 2,
  maxConcurrentStreams = 3,
  initialWindowSize = 4,
  maxFrameSize = 5,
  maxHeaderListSize = 6,
}

export const enum ErrorCode {
  noError = 0,
  protocolError = 1,
  internalError = 2,
  flowControlError = 3,
  streamClosed = 5,
  frameSizeError = 6,
  refusedStream = 7,
  cancel = 8,
  compressionError = 9,
  enhanceYourCalm = 11,
}

export const frameHeadBytes = 9;
/** The largest frame either side may send before it is told otherwise; what we accept. */
export const defaultFrameBytes = 16_384;
/** A stream's and a connection's window before anybody says otherwise. */
export const defaultWindow = 65_535;
export const maxWindow = 0x7fffffff;

/** The connection cannot go on: the peer is told with GOAWAY. */
export class ConnectionFault extends Error {
  constructor(readonly code: ErrorCode, message: string) {
    super(message);
  }
}

/** One stream cannot go on: the peer is told with RST_STREAM. */
export class StreamFault extends Error {
  constructor(readonly stream: number, readonly code: ErrorCode, message: string) {
    super(message);
  }
}

/** A frame whose payload is a few numbers of four bytes. */
export function numbersFrame(type: FrameType, flags: Flag, stream: number, ...numbers: number[]): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + 4 * numbers.length);
  writeFrameHead(bytes, 0, 4 * numbers.length, type, flags, stream);
  for (const [index, number] of numbers.entries()) writeUint32(bytes, frameHeadBytes + 4 * index, number);
  return bytes;
}

export function settingsFrame(settings: readonly (readonly [Setting, number])[]): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + 6 * settings.length);
  writeFrameHead(bytes, 0, 6 * settings.length, FrameType.settings, Flag.none, 0);
  for (const [index, [setting, value]] of settings.entries()) {
    const at = frameHeadBytes + 6 * index;
    bytes[at + 1] = setting;
    writeUint32(bytes, at + 2, value);
  }
  return bytes;
}

export function writeFrameHead(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: FrameType,
  flags: number,
  stream: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, stream);
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
