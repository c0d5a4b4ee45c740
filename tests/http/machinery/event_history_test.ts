import { assert, assertEquals } from "@std/assert";
import { EventHistory } from "../../../http/machinery/event_history.ts";
import { Entry } from "../../../http/machinery/stored_object.ts";
import { CacheEvent } from "../../../http/machinery/watcher.ts";
import { testResources } from "./test_api.ts";

const [resource] = testResources();

function eventOf(revision: number, bytes: number): CacheEvent {
  return new CacheEvent(revision, new Entry(resource!, "a", "b", revision, new Uint8Array(bytes)), undefined);
}

const cases = [
  { name: "by number", count: 20_000, bytes: 10, kept: 8_192 },
  { name: "by bytes", count: 2_000, bytes: 64 * 1024, kept: 512 },
  { name: "never below a few events, however large", count: 300, bytes: 1024 * 1024, kept: 128 },
];
for (const { name, count, bytes, kept } of cases) {
  Deno.test(`the history of changes is bounded ${name}, and has all after its floor`, () => {
    const history = new EventHistory();
    for (let revision = 1; revision <= count; revision++) history.add(eventOf(revision, bytes));
    const revisions = [...history].map((event) => event.revision);
    assertEquals(revisions.length, kept);
    assertEquals(revisions[0], history.floor + 1);
    assert(revisions.every((revision, index) => revision === history.floor + 1 + index));
  });
}
