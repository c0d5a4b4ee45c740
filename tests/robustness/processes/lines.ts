/** Lines of JSON between a test and its processes; bytes are text, as everything that these tests store is. */
import type { ReplicatedStorageOptions } from "../../../actors/store/replica/open_replicated_storage.ts";
import type { LinkFaults } from "./faulty_transport.ts";

export interface MemberConfig {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly faults: LinkFaults;
  readonly store: Pick<
    ReplicatedStorageOptions,
    "begin" | "peerAddresses" | "snapshotEvery" | "segmentBytes" | "raft" | "compareHashesEveryMs"
  >;
}

export interface Question {
  readonly id: number;
  readonly what: string;
  readonly args: readonly unknown[];
}

const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

export function encodeLine(value: unknown): Uint8Array {
  // Not what JSON.stringify hands over as the value: a Buffer of Node's has turned itself into something else by then.
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key, each) {
    const raw = this[key];
    return raw instanceof Uint8Array ? { $text: decoder.decode(raw) } : each;
  });
  return encoder.encode(text + "\n");
}

export function decodeLine(line: string): unknown {
  return JSON.parse(line, (_, each) => {
    const isText = typeof each === "object" && each !== null && "$text" in each;
    return isText ? encoder.encode((each as { $text: string }).$text) : each;
  });
}

export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
