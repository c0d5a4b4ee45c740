/**
 * Messages between the members of a cluster, each known by its name.
 *
 * What is guaranteed: a message arrives whole or not at all, and only at the member it was sent to. What is not: that
 * it arrives, that it arrives once, or before a later one. Who needs more says so in the messages themselves, as Raft
 * does. Bytes are not changed by anybody after they were handed over.
 */
export interface Transport {
  /** This member's own name. */
  readonly self: string;
  /** Never fails and never waits: a message that cannot be sent is lost, and `unreachable` says so. */
  send(to: string, message: Uint8Array): void;
  /** Who receives from now on; one receiver at a time. What comes without one is lost. */
  listen(receiver: TransportReceiver): void;
  /** Where members are reached, by name; replaces what was known. Connections to others are closed. */
  setPeers(peers: ReadonlyMap<string, PeerEndpoint>): void;
  /** Nothing is received after it returned. Idempotent. */
  close(): Promise<void>;
}

export interface TransportReceiver {
  received(from: string, message: Uint8Array): void;
  /** At least one message to this peer was lost before it left. Repeated while that lasts, and not for every message. */
  unreachable?(peer: string): void;
}

export interface PeerEndpoint {
  readonly host: string;
  readonly port: number;
}
