/**
 * One HTTP/2 connection of the server (RFC 9113): frames in, requests out. Responses go back through `outgoing.ts`.
 *
 * A peer can make it hold no more than: a header block, the windows' worth of each stream's body until somebody reads it,
 * and as many acknowledgements as `maxControlFrames`.
 */
import {
  ConnectionFault,
  defaultWindow,
  ErrorCode,
  Flag,
  FrameType,
  maxWindow,
  numbersFrame,
  readUint32,
  Setting,
  settingsFrame,
  StreamFault,
} from "./frame.ts";
import { type Frame, FrameReader } from "./frame_reader.ts";
import { HeaderDecoder } from "./header_decoder.ts";
import { Outgoing, type Writing } from "./outgoing.ts";
import { PeerSettings } from "./peer_settings.ts";
import { requestHead } from "./request_head.ts";
import { ServerStream, type StreamOwner } from "./stream.ts";

/** What is needed of the connection: node's TLS socket. */
export interface Connection extends Writing {
  end(): void;
  destroy(): void;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "drain" | "end" | "close", listener: () => void): unknown;
}

export interface SessionOptions {
  readonly maxConcurrentStreams: number;
  /** Of those who are told when the server begins to drain. */
  readonly draining: Set<() => void>;
  /** What time it is, as HTTP writes it. */
  date(): string;
  /** A request has come; its body may still be on its way. */
  request(stream: ServerStream): void;
}

/** What a peer may send of one body before the application reads. */
const streamWindow = 128 * 1024;
const connectionWindow = 1 << 20;
const maxHeaderBytes = 64 * 1024;
/** How long a peer has to read the last that is said to it, and to close the connection. */
const farewellMs = 1_000;

export class Session implements StreamOwner {
  readonly #socket: Connection;
  readonly #options: SessionOptions;
  readonly #reader: FrameReader;
  readonly #decoder = new HeaderDecoder();
  readonly #peer = new PeerSettings();
  readonly #streams = new Map<number, ServerStream>();
  /** Streams that the application still works at, also when their peer has broken them off. */
  #underWay = 0;
  #lastStream = 0;
  #received = 0;
  #ending = false;
  #closed = false;
  readonly outgoing: Outgoing;

  constructor(socket: Connection, options: SessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader((frame) => this.#frame(frame));
    this.outgoing = new Outgoing(socket, {
      date: options.date,
      ended: (stream) => this.#forget(stream),
      sent: () => this.#endWhenDone(),
      flooded: () => this.destroy(),
    });
    socket.on("data", (chunk) => this.#data(chunk));
    socket.on("drain", () => this.outgoing.flush());
    socket.on("end", () => socket.end());
    socket.on("close", () => this.#wasClosed());
    this.outgoing.say(settingsFrame([
      [Setting.maxConcurrentStreams, options.maxConcurrentStreams],
      [Setting.initialWindowSize, streamWindow],
      [Setting.maxHeaderListSize, maxHeaderBytes],
    ]));
    this.outgoing.say(numbersFrame(FrameType.windowUpdate, Flag.none, 0, connectionWindow - defaultWindow));
  }

  /** Whether the peer has begun to speak HTTP/2. */
  get hasBegun(): boolean {
    return this.#reader.hasBegun;
  }

  /** Takes no more requests and closes the connection when those under way are answered. */
  close(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.outgoing.say(numbersFrame(FrameType.goAway, Flag.none, 0, this.#lastStream, ErrorCode.noError));
  }

  destroy(): void {
    this.#socket.destroy();
    this.#wasClosed();
  }

  #wasClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.outgoing.close();
    for (const stream of [...this.#streams.values()]) this.#forget(stream);
  }

  // What the peer sends.

  #data(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#reader.read(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.#fail(error);
    }
  }

  #fail({ code }: ConnectionFault): void {
    this.outgoing.say(numbersFrame(FrameType.goAway, Flag.none, 0, this.#lastStream, code));
    this.outgoing.flush();
    this.#leave();
  }

  /**
   * Ends the connection from this side. What the peer still sends is read and passed over: a socket that is closed with
   * something unread takes away from the peer what was sent to it last.
   */
  #leave(): void {
    this.#wasClosed();
    const socket = this.#socket;
    const cut = setTimeout(() => socket.destroy(), farewellMs);
    socket.on("close", () => clearTimeout(cut));
    socket.end();
  }

  #frame(frame: Frame): void {
    if (this.#closed) return;
    try {
      this.#take(frame);
    } catch (error) {
      if (!(error instanceof StreamFault)) throw error;
      const stream = this.#streams.get(error.stream);
      if (stream !== undefined) this.reset(stream, error.code);
      else this.outgoing.say(numbersFrame(FrameType.reset, Flag.none, error.stream, error.code));
    }
  }

  #take(frame: Frame): void {
    const { type, flags, stream, payload } = frame;
    switch (type) {
      case FrameType.data:
        return this.#body(stream, payload, (flags & Flag.endStream) !== 0, frame.flowBytes);
      case FrameType.headers:
        return this.#head(stream, payload, (flags & Flag.endStream) !== 0);
      case FrameType.reset:
        return this.#wasReset(stream);
      case FrameType.settings:
        return this.#settings(flags, payload);
      case FrameType.ping:
        if ((flags & Flag.ack) !== 0) return;
        return this.outgoing.say(
          numbersFrame(FrameType.ping, Flag.ack, 0, readUint32(payload, 0), readUint32(payload, 4)),
        );
      case FrameType.windowUpdate:
        return this.#widened(stream, readUint32(payload, 0) & maxWindow);
      case FrameType.pushPromise:
        throw new ConnectionFault(ErrorCode.protocolError, "Cannot accept a push from a client");
      default: // GOAWAY: the client opens no more streams. PRIORITY and what we do not know means nothing.
        return;
    }
  }

  #head(id: number, block: Uint8Array, end: boolean): void {
    const fields = this.#decoder.decode(block, maxHeaderBytes);
    const open = this.#streams.get(id);
    if (open !== undefined) {
      // Trailers: nobody reads them.
      if (open.remoteEnded) throw new StreamFault(id, ErrorCode.streamClosed, "Cannot add to a request that has ended");
      if (!end) throw new StreamFault(id, ErrorCode.protocolError, "Cannot accept trailers that do not end a request");
      return this.#ended(open);
    }
    if (id <= this.#lastStream) {
      throw new ConnectionFault(ErrorCode.streamClosed, "Cannot open a stream that has been closed");
    }
    if (id % 2 === 0) throw new ConnectionFault(ErrorCode.protocolError, "Cannot open a stream of a server's number");
    // Who asks after GOAWAY asks in vain, and may ask elsewhere.
    const isFull = this.#streams.size >= this.#options.maxConcurrentStreams ||
      this.#underWay >= 2 * this.#options.maxConcurrentStreams;
    if (!this.#ending) this.#lastStream = id;
    if (this.#ending || isFull) throw new StreamFault(id, ErrorCode.refusedStream, "Cannot take more requests now");
    const head = fields === undefined ? tooLong : requestHead(fields);
    if (head === undefined) throw new StreamFault(id, ErrorCode.protocolError, "Cannot read a request's head");
    const windows = { send: this.#peer.initialWindow, receive: streamWindow };
    const stream = new ServerStream(this, id, head, windows, this.#options.draining);
    this.#streams.set(id, stream);
    if (end) this.#ended(stream);
    if (head === tooLong) return stream.send(431, {}, undefined);
    this.#underWay++;
    this.#options.request(stream);
  }

  /** The application is done with a stream, or has begun what lasts. */
  answered(): void {
    this.#underWay--;
  }

  #body(id: number, content: Uint8Array, end: boolean, flowBytes: number): void {
    this.#received += flowBytes;
    if (this.#received > connectionWindow) {
      throw new ConnectionFault(ErrorCode.flowControlError, "Cannot take more than the connection's window");
    }
    // The connection's window does not wait for readers: what is not read is bounded by the streams' own.
    if (this.#received >= connectionWindow / 2) {
      this.outgoing.say(numbersFrame(FrameType.windowUpdate, Flag.none, 0, this.#received));
      this.#received = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (id > this.#lastStream) {
        throw new ConnectionFault(ErrorCode.protocolError, "Cannot take the body of no request");
      }
      return; // Of a request that was answered or broken off before it was whole.
    }
    if (stream.remoteEnded) throw new StreamFault(id, ErrorCode.streamClosed, "Cannot add to a request that has ended");
    stream.receiveWindow -= flowBytes;
    if (stream.receiveWindow < 0) {
      throw new StreamFault(id, ErrorCode.flowControlError, "Cannot take more than the stream's window");
    }
    const padding = flowBytes - content.length;
    if (padding > 0) this.consumed(stream, padding);
    if (content.length > 0) {
      if (stream.received + content.length > (stream.contentLength ?? Infinity)) throw lengthFault(id);
      stream.tookData(content);
    }
    if (end && !stream.closed) this.#ended(stream);
  }

  #ended(stream: ServerStream): void {
    if (stream.contentLength !== undefined && stream.contentLength !== stream.received) throw lengthFault(stream.id);
    stream.tookEnd();
  }

  consumed(stream: ServerStream, bytes: number): void {
    if (stream.remoteEnded || stream.closed) return;
    stream.unreported += bytes;
    if (stream.unreported < streamWindow / 2) return;
    this.outgoing.say(numbersFrame(FrameType.windowUpdate, Flag.none, stream.id, stream.unreported));
    stream.receiveWindow += stream.unreported;
    stream.unreported = 0;
  }

  #wasReset(id: number): void {
    if (id > this.#lastStream) throw new ConnectionFault(ErrorCode.protocolError, "Cannot reset a stream that is idle");
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#forget(stream);
  }

  #settings(flags: number, payload: Uint8Array): void {
    if ((flags & Flag.ack) !== 0) return;
    const before = this.#peer.initialWindow;
    this.#peer.take(payload);
    this.outgoing.maxFrameBytes = this.#peer.maxFrameBytes;
    const change = this.#peer.initialWindow - before;
    if (change !== 0) { for (const stream of this.#streams.values()) this.#widen(stream, change); }
    this.outgoing.say(settingsAck);
  }

  #widened(id: number, by: number): void {
    if (id === 0) {
      if (by === 0) throw new ConnectionFault(ErrorCode.protocolError, "Cannot widen a window by nothing");
      if (this.outgoing.window + by > maxWindow) {
        throw new ConnectionFault(ErrorCode.flowControlError, "Cannot widen a window so far");
      }
      return this.outgoing.widen(by);
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (id > this.#lastStream) {
        throw new ConnectionFault(ErrorCode.protocolError, "Cannot widen a stream that is idle");
      }
      return;
    }
    if (by === 0) throw new StreamFault(id, ErrorCode.protocolError, "Cannot widen a window by nothing");
    if (stream.sendWindow + by > maxWindow) {
      throw new StreamFault(id, ErrorCode.flowControlError, "Cannot widen a window so far");
    }
    this.#widen(stream, by);
  }

  #widen(stream: ServerStream, by: number): void {
    stream.sendWindow += by;
    if (stream.sendWindow > maxWindow) {
      throw new ConnectionFault(ErrorCode.flowControlError, "Cannot widen a window so far");
    }
    if (stream.hasWork) this.outgoing.wants(stream);
  }

  reset(stream: ServerStream, code: ErrorCode): void {
    if (stream.closed) return;
    this.#forget(stream);
    this.outgoing.say(numbersFrame(FrameType.reset, Flag.none, stream.id, code));
  }

  #forget(stream: ServerStream): void {
    this.#streams.delete(stream.id);
    stream.wasClosed();
    if (this.#ending && this.#streams.size === 0) this.outgoing.schedule();
  }

  #endWhenDone(): void {
    if (!this.#ending || this.#closed || this.#streams.size > 0 || this.outgoing.isBehind) return;
    this.#leave();
  }
}

const settingsAck = numbersFrame(FrameType.settings, Flag.ack, 0);
const tooLong = { method: "GET", path: "/", headers: {}, contentLength: undefined };

function lengthFault(id: number): StreamFault {
  return new StreamFault(id, ErrorCode.protocolError, "Cannot accept a body of another length than was announced");
}
