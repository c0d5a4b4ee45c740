/** Chance and names. A draw reaches a machine only as part of an event or of its input. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A version 4 UUID. */
  uuid(): string;
  /** `count` bytes; unpredictable in the real twin. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
}
