import { assertEquals, assertRejects } from "@std/assert";
import { AuditDelivery, type AuditDeliveryOptions } from "../../../actors/audit/audit_delivery.ts";
import { AuditLogFile } from "../../../actors/audit/audit_log_file.ts";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ActorSystem } from "../../../actors/system.ts";

function world(options: Partial<AuditDeliveryOptions> = {}) {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock });
  const batches: string[][] = [];
  const problems: string[] = [];
  let failing = 0;
  const delivery = new AuditDelivery({
    system,
    node: "m",
    name: "webhook",
    mode: "batch",
    bufferSize: 5,
    maxBatch: 3,
    maxWaitMs: 1_000,
    attempts: 2,
    retryMs: 100,
    destination: {
      deliver(lines) {
        if (failing-- > 0) return Promise.reject(new Error("it is away"));
        batches.push([...lines]);
        return Promise.resolve();
      },
    },
    report: (problem) => void problems.push(problem),
    ...options,
  });
  const settle = async (ms = 0) => {
    clock.advance(ms);
    for (let turn = 0; turn < 8; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.run();
    }
  };
  return { system, delivery, batches, problems, settle, fail: (times: number) => void (failing = times) };
}

Deno.test("AuditDelivery sends a batch when it is full, or has waited long enough", async () => {
  const { system, delivery, batches, settle } = world();
  for (const line of ["1", "2", "3", "4"]) delivery.write(line);
  await settle();
  assertEquals(batches, [["1", "2", "3"]]);
  await settle(1_000);
  assertEquals(batches, [["1", "2", "3"], ["4"]]);
  delivery.write("5");
  await settle(1_000);
  assertEquals(batches.at(-1), ["5"]);
  system.stopAll();
});

Deno.test("AuditDelivery drops and counts what its buffer has no room for, and makes nobody wait for it", async () => {
  const { system, delivery, batches, problems, settle } = world();
  assertEquals(["1", "2", "3", "4", "5", "6", "7"].map((line) => delivery.write(line)), Array(7).fill(undefined));
  assertEquals(delivery.dropped, 2);
  assertEquals(problems, ["Audit webhook: 1 events are lost so far: too many events wait"]);
  await settle();
  await settle(1_000);
  assertEquals(batches.flat(), ["1", "2", "3", "4", "5"]);
  system.stopAll();
});

Deno.test("AuditDelivery tries a batch again, then gives it up and goes on with the next", async () => {
  const { system, delivery, batches, settle, fail } = world();
  fail(1);
  for (const line of ["1", "2", "3"]) delivery.write(line);
  await settle();
  await settle(100);
  assertEquals([batches, delivery.dropped], [[["1", "2", "3"]], 0]);
  fail(2);
  for (const line of ["4", "5", "6"]) delivery.write(line);
  await settle();
  await settle(100);
  delivery.write("7");
  await settle(1_000);
  assertEquals([batches.at(-1), delivery.dropped], [["7"], 3]);
  system.stopAll();
});

Deno.test("AuditDelivery makes requests wait in the blocking modes, and fail in the strict one alone", async () => {
  for (const mode of ["blocking", "blocking-strict"] as const) {
    const { system, delivery, batches, settle, fail } = world({ mode, attempts: 1 });
    let isWritten = false;
    const written = delivery.write("1")!.then(() => void (isWritten = true));
    assertEquals(isWritten, false);
    await settle();
    await written;
    assertEquals(batches, [["1"]]);
    fail(1);
    const lost = delivery.write("2")!;
    const outcome = mode === "blocking" ? lost : assertRejects(() => lost, Error, "it is away");
    await settle();
    await outcome;
    system.stopAll();
  }
});

Deno.test("AuditDelivery hands over what waits when it is stopped", async () => {
  const { delivery, batches, settle } = world();
  delivery.write("1");
  const stopped = delivery.stop(new Promise(() => {}));
  await settle();
  await stopped;
  assertEquals(batches, [["1"]]);
});

Deno.test("AuditLogFile writes lines, puts a full log aside and keeps as many as it may", async () => {
  const directory = await Deno.makeTempDir();
  const clock = new ManualClock();
  const file = new AuditLogFile(`${directory}/a/audit.log`, { maxBytes: 10, maxFiles: 2, maxAgeDays: 0 }, clock);
  await file.open();
  for (const line of ["one", "two", "three", "four", "five", "six"]) {
    clock.advance(1_000);
    await file.deliver([line, "x"]);
  }
  await file.close();
  const names = (await Array.fromAsync(Deno.readDir(`${directory}/a`))).map(({ name }) => name).sort();
  assertEquals(names.length, 3);
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(`${directory}/a/${name}`)));
  assertEquals(texts, ["four\nx\n", "five\nx\n", "six\nx\n"].sort((a, b) => texts.indexOf(a) - texts.indexOf(b)));
  assertEquals((await Deno.stat(`${directory}/a/audit.log`)).mode! & 0o777, 0o600);
  await Deno.remove(directory, { recursive: true });
});
