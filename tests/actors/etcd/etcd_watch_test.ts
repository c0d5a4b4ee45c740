/** EtcdWatch against streams that a test plays by hand: breaks, answers that fail, and events without what they replaced. */
import { assertEquals } from "@std/assert";
import { EventEmitter } from "node:events";
import { EtcdWatch } from "../../../actors/etcd/etcd_watch.ts";
import type { EtcdClient } from "../../../actors/etcd/etcd_client.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { keyBytes } from "../../../machines/etcd/keys.ts";
import { type Read, WatchResponse } from "../../../machines/etcd/messages.ts";
import type { Part } from "../../../machines/etcd/protobuf.ts";
import { eventLine } from "../../contracts/storage_world.ts";

type Response = Part<Read<typeof WatchResponse>>;
type Request = Part<{ createRequest: { startRevision: number }; progressRequest: object }>;

class PlayedStream extends EventEmitter {
  readonly asked: string[] = [];
  cancelled = false;

  write({ createRequest, progressRequest }: Request): void {
    if (createRequest !== undefined) this.asked.push(`create from ${createRequest.startRevision}`);
    if (progressRequest !== undefined) this.asked.push("progress");
  }

  cancel(): void {
    this.cancelled = true;
  }

  /** What comes in from the server, as it comes off the wire. */
  says(response: Response): void {
    this.emit("data", WatchResponse.decode(WatchResponse.encode(response)));
  }

  created(revision: number): void {
    this.says({ header: { revision }, created: true });
  }
}

class Played {
  readonly clock = new ManualClock();
  readonly streams: PlayedStream[] = [];
  readonly lines: string[] = [];
  readonly watch: EtcdWatch;
  revision: () => Promise<number> = () => Promise.resolve(1);

  constructor(startRevision?: number) {
    const stream = () => {
      const played = new PlayedStream();
      this.streams.push(played);
      return Promise.resolve(played);
    };
    this.watch = new EtcdWatch(
      { key: "k", previous: true, ...(startRevision === undefined ? {} : { startRevision }) },
      {
        events: (batch) => this.lines.push(...batch.map(eventLine)),
        progress: (revision) => this.lines.push(`progress ${revision}`),
        closed: (error) => this.lines.push(`closed ${error.code}`),
      },
      {
        client: { stream } as unknown as Pick<EtcdClient, "stream">,
        clock: this.clock,
        soundProgress: true,
        revision: () => this.revision(),
        mark: () => Promise.resolve(),
        over: () => {},
      },
    );
  }

  /** The stream of now. */
  get stream(): PlayedStream {
    return this.streams.at(-1)!;
  }

  get asked(): string[] {
    return this.streams.flatMap(({ asked }) => asked);
  }

  async settle(milliseconds = 0): Promise<void> {
    this.clock.advance(milliseconds);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

const kv = (modRevision: number, version: number, createRevision = modRevision - version + 1) => ({
  key: keyBytes("k"),
  modRevision,
  createRevision,
  version,
});

Deno.test("EtcdWatch of what is to come goes on from where it began when its stream breaks before the first event", async () => {
  const played = new Played();
  await played.settle();
  played.stream.created(7);
  await played.watch.started.promise;
  played.stream.emit("end");
  await played.settle(250);
  played.stream.created(9);
  played.stream.says({ header: { revision: 9 }, events: [{ type: 0, kv: kv(8, 1) }] });
  assertEquals(played.asked, ["create from 0", "create from 8"]);
  assertEquals(played.lines, ["put k= 8/8 v1"]);
});

Deno.test("EtcdWatch takes nothing of a revision whose other half was lost with its stream", async () => {
  const played = new Played(2);
  await played.settle();
  played.stream.created(5);
  played.stream.says({ header: { revision: 5 }, fragment: true, events: [{ type: 0, kv: kv(2, 1) }] });
  played.stream.emit("end");
  await played.settle(250);
  played.stream.created(5);
  played.stream.says({ header: { revision: 5 }, events: [{ type: 0, kv: kv(2, 1) }] });
  assertEquals(played.asked, ["create from 2", "create from 2"]);
  assertEquals(played.lines, ["put k= 2/2 v1"]);
});

Deno.test("EtcdWatch asks again for an event that came without the record it replaced, once", async () => {
  const played = new Played(3);
  await played.settle();
  played.stream.created(2);
  const bare = { header: { revision: 3 }, events: [{ type: 0, kv: kv(3, 2) }] };
  const first = played.stream;
  first.says(bare);
  await played.settle();
  assertEquals([first.cancelled, played.lines], [true, []]);
  played.stream.created(3);
  played.stream.says({ header: { revision: 3 }, events: [{ type: 0, kv: kv(3, 2), prevKv: kv(2, 1) }] });
  assertEquals(played.lines, ["put k= 2/3 v2 was "]);
  assertEquals(played.asked, ["create from 3", "create from 3"]);
  // What stays without it has had it compacted away.
  played.stream.says({ header: { revision: 5 }, events: [{ type: 0, kv: kv(5, 4, 2) }] });
  await played.settle();
  played.stream.says({ header: { revision: 5 }, events: [{ type: 0, kv: kv(5, 4, 2) }] });
  assertEquals([played.lines.at(-1), played.streams.length], ["put k= 2/5 v4", 3]);
});

Deno.test("EtcdWatch asks for progress again when the store did not answer", async () => {
  const played = new Played(2);
  await played.settle();
  played.stream.created(1);
  const answers = [() => Promise.reject(new Error("no leader")), () => Promise.resolve(4)];
  played.revision = () => answers.shift()!();
  played.watch.requestProgress();
  await played.settle();
  assertEquals(played.asked, ["create from 2"]);
  await played.settle(250);
  assertEquals(played.asked, ["create from 2", "progress"]);
  played.stream.says({ header: { revision: 4 } });
  assertEquals(played.lines, ["progress 4"]);
});
