/** progress_notify, which etcd sends after ten minutes without an event: time is made to pass. */
import { assertEquals } from "@std/assert";
import { EventEmitter } from "node:events";
import { progressEveryMs, watchService } from "../../../http/etcd/watch_service.ts";
import { SimulatedDisk } from "../../../actors/simulated/disk.ts";
import { administerSingleMember } from "../../../actors/store/administration.ts";
import { openStorage } from "../../../actors/store/open_storage.ts";
import { keyBytes } from "../../../machines/etcd/keys.ts";
import { type Read, WatchRequest, type WatchResponse } from "../../../machines/etcd/messages.ts";
import type { Part } from "../../../machines/etcd/protobuf.ts";
import { put, write } from "../../contracts/storage_world.ts";
import { HandClock, seededRandom } from "../../contracts/test_world.ts";

type Response = Part<Read<typeof WatchResponse>>;

/** A client's stream: what the service writes to it is kept. */
class PlayedCall extends EventEmitter {
  readonly said: string[] = [];

  write({ watchId = 0, created, canceled, events = [], header }: Response, sent: () => void): void {
    const what = created
      ? "created"
      : canceled
      ? "canceled"
      : events.length > 0
      ? `${events.length} events`
      : "progress";
    this.said.push(`${watchId}: ${what} ${header?.revision}`);
    sent();
  }

  asks(request: Part<Read<typeof WatchRequest>>): void {
    this.emit("data", WatchRequest.decode(WatchRequest.encode(request)));
  }
}

Deno.test("watchService tells a watch that asked for it how far it is, when nothing has happened to it for ten minutes", async () => {
  const clock = new HandClock();
  const inner = await openStorage({
    disk: new SimulatedDisk({ random: seededRandom(2) }),
    clock,
    random: seededRandom(1),
  });
  const { storage, administration } = administerSingleMember(inner, { name: "a" });
  const call = new PlayedCall();
  const service = watchService({ storage, administration, clock, cluster: 1n, log() {} });
  service.Watch(call as unknown as Parameters<typeof service.Watch>[0]);
  const pass = async (milliseconds: number) => {
    clock.advance(milliseconds);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  call.asks({ createRequest: { key: keyBytes("a"), progressNotify: true } });
  call.asks({ createRequest: { key: keyBytes("b") } });
  await pass(0);
  assertEquals(call.said.splice(0), ["0: created 1", "1: created 1"]);

  await pass(progressEveryMs);
  assertEquals(call.said.splice(0), ["0: progress 1"]);

  await write(storage, put("a", "1"));
  await pass(progressEveryMs);
  assertEquals(call.said.splice(0), ["0: 1 events 2"]);
  await write(storage, put("other", "1"));
  await pass(progressEveryMs);
  assertEquals(call.said.splice(0), ["0: progress 3"]);

  call.asks({ cancelRequest: { watchId: 0 } });
  await pass(3 * progressEveryMs);
  assertEquals(call.said.splice(0), ["0: canceled 3"]);
  call.emit("close");
  await storage.close();
});
