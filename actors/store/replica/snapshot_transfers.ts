/** Sending the bytes of a snapshot to a member that lacks what the log has no more, and taking them in. */
import type { MemberId, Position } from "../../../machines/raft/entry.ts";
import type { Message, SnapshotOffered } from "../../../machines/raft/message.ts";
import type { Roster } from "../../../machines/raft/roster.ts";
import type { KeyValueState } from "../../../machines/store/key_value_state.ts";
import { SnapshotReader } from "../../../machines/store/snapshot_format.ts";
import { snapshotName } from "../file_names.ts";
import { turn } from "../turn.ts";
import type { Replica } from "./replica.ts";

const pieceBytes = 512 << 10;
/** Pieces that may be unanswered. */
const window = 4;
const pieceTimeoutMs = 10_000;

interface Piece {
  readonly offset: number;
  readonly total: number;
  readonly message: SnapshotOffered;
}

export interface Received {
  readonly bytes: Uint8Array;
  readonly state: KeyValueState;
  readonly roster: Roster;
}

export class SnapshotTransfers {
  /** What is on its way here; there is one leader to send it. */
  #incoming: { readonly key: string; readonly bytes: Uint8Array; have: number } | undefined;
  /** Whole, and not yet taken by the log: the last two, since one may arrive while the log is about to take another. */
  #received: (Received & Position)[] = [];

  constructor(readonly replica: Replica) {
    replica.link.handlers.set("snapshot", (from, head, [bytes]) => this.#takePiece(from, head as Piece, bytes!));
  }

  /** Whether all of it has arrived. */
  async send(to: MemberId, message: Message): Promise<boolean> {
    if (message.type !== "snapshot.offered") return false;
    const { link, options: { disk, directory } } = this.replica;
    const { index, term } = message.snapshot;
    const bytes = await disk.read(`${directory}/${snapshotName(index, term)}`);
    const total = bytes.length;
    const under: Promise<boolean>[] = [];
    for (let offset = 0; offset < total; offset += pieceBytes) {
      const piece = bytes.subarray(offset, Math.min(total, offset + pieceBytes));
      const head: Piece = { offset, total, message };
      under.push(
        link.call(to, "snapshot", head, [piece], pieceTimeoutMs).then((reply) =>
          (reply?.head as { taken?: boolean } | undefined)?.taken === true
        ),
      );
      if (under.length >= window && !(await under.shift())) return false;
    }
    return (await Promise.all(under)).every((taken) => taken);
  }

  /** What was offered and is to be put in place: to be called when that is ordered, not when the disk has time. */
  take({ index, term }: Position): Received {
    const received = this.#received.find((each) => each.index === index && each.term === term);
    if (received === undefined) {
      throw new Error(`Cannot install snapshot ${index} of term ${term}: its bytes are not there`);
    }
    this.#received = this.#received.filter((each) => each.index > index);
    return received;
  }

  async #takePiece(from: MemberId, { offset, total, message }: Piece, bytes: Uint8Array): Promise<unknown> {
    const { index, term } = message.snapshot;
    const key = `${from} ${index} ${term} ${total}`;
    if (offset === 0 && this.#incoming?.key !== key) this.#incoming = { key, bytes: new Uint8Array(total), have: 0 };
    const incoming = this.#incoming;
    if (incoming?.key !== key || offset > incoming.have || offset + bytes.length > total) return { taken: false };
    if (offset < incoming.have) return { taken: true };
    incoming.bytes.set(bytes, offset);
    incoming.have += bytes.length;
    if (incoming.have < total) return { taken: true };
    this.#incoming = undefined;
    const reader = new SnapshotReader(incoming.bytes);
    while (reader.step()) await turn(this.replica.options.clock);
    const { header, state } = reader;
    const { index: at, term: of, roster = [] } = header;
    this.#received = [...this.#received.slice(-1), { index: at, term: of, bytes: reader.bytes, state, roster }];
    this.replica.raft?.send(message);
    return { taken: true };
  }
}
