/** What the peer has said it wants (RFC 9113, section 6.5). What is not here does not concern a server that pushes nothing. */
import {
  ConnectionFault,
  defaultFrameBytes,
  defaultWindow,
  ErrorCode,
  maxWindow,
  readUint32,
  Setting,
} from "./frame.ts";

const largestFrameBytes = 0xffffff;

export class PeerSettings {
  initialWindow = defaultWindow;
  maxFrameBytes = defaultFrameBytes;

  /** @throws ConnectionFault for a value that no setting may have. */
  take(payload: Uint8Array): void {
    for (let at = 0; at < payload.length; at += 6) {
      const value = readUint32(payload, at + 2);
      switch ((payload[at]! << 8) | payload[at + 1]!) {
        case Setting.enablePush:
          if (value > 1) throw refused(ErrorCode.protocolError, "push", value);
          break;
        case Setting.initialWindowSize:
          if (value > maxWindow) throw refused(ErrorCode.flowControlError, "an initial window", value);
          this.initialWindow = value;
          break;
        case Setting.maxFrameSize:
          if (value < defaultFrameBytes || value > largestFrameBytes) {
            throw refused(ErrorCode.protocolError, "a frame size", value);
          }
          this.maxFrameBytes = value;
          break;
      }
    }
  }
}

function refused(code: ErrorCode, what: string, value: number): ConnectionFault {
  return new ConnectionFault(code, `Cannot accept ${what} of ${value}`);
}
