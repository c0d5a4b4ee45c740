/** What every Transport keeps to. */
import { assert, assertEquals } from "@std/assert";
import type { Transport } from "../../ports/transport.ts";

export interface TransportWorld {
  /** A member that is reachable by the others and knows where they are. */
  join(name: string): Promise<Transport>;
  /** Lets things happen until the condition holds; throws when it does not in reasonable time. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

type Received = [from: string, message: string];

const encode = (text: string) => new TextEncoder().encode(text);

function listenTo(transport: Transport) {
  const received: Received[] = [];
  const unreachable: string[] = [];
  transport.listen({
    received: (from, message) => void received.push([from, new TextDecoder().decode(message)]),
    unreachable: (peer) => void unreachable.push(peer),
  });
  return { received, unreachable };
}

export function transportContract(name: string, make: () => Promise<TransportWorld>): void {
  const test = (rule: string, body: (world: TransportWorld) => Promise<void>) =>
    Deno.test(`${name} ${rule}`, async () => {
      const world = await make();
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });

  test("carries messages whole, with the sender's name, to the member they are for", async ({ join, until }) => {
    const [a, b, c] = [await join("a"), await join("b"), await join("c")];
    const [atB, atC] = [listenTo(b), listenTo(c)];
    a.send("b", encode("one"));
    c.send("b", encode("two"));
    await until(() => atB.received.length === 2);
    assertEquals(atB.received.toSorted(), [["a", "one"], ["c", "two"]]);
    assertEquals(atC.received, []);
    assertEquals([a.self, b.self, c.self], ["a", "b", "c"]);
  });

  test("carries messages of every size", async ({ join, until }) => {
    const [a, b] = [await join("a"), await join("b")];
    const sizes: number[] = [];
    b.listen({
      received: (_, message) => {
        sizes.push(message.length);
        assert(message.every((byte, index) => byte === index % 251));
      },
    });
    const sent = [0, 1, 65_535, 65_536, 1_000_000];
    for (const size of sent) a.send("b", Uint8Array.from({ length: size }, (_, index) => index % 251));
    await until(() => sizes.length === sent.length);
    assertEquals(sizes.toSorted((x, y) => x - y), sent);
  });

  test("does not fail on a member that is not there, and says that it is unreachable", async ({ join, until }) => {
    const a = await join("a");
    const { unreachable } = listenTo(a);
    a.send("nobody", encode("lost"));
    await until(() => unreachable.length > 0);
    assertEquals(new Set(unreachable), new Set(["nobody"]));
  });

  test("hands nothing to a member that has closed, and closes twice", async ({ join, until }) => {
    const [a, b] = [await join("a"), await join("b")];
    const [atA, atB] = [listenTo(a), listenTo(b)];
    await b.close();
    await b.close();
    a.send("b", encode("lost"));
    await until(() => atA.unreachable.length > 0);
    assertEquals(atB.received, []);
  });

  test("lets a member that closed come back under its name", async ({ join, until }) => {
    const [a, b] = [await join("a"), await join("b")];
    await b.close();
    const back = await join("b");
    const { received } = listenTo(back);
    listenTo(a);
    // Messages may be lost: whoever wants one to arrive sends it again.
    await until(() => {
      if (received.length === 0) a.send("b", encode("again"));
      return received.length > 0;
    });
    assertEquals(received[0], ["a", "again"]);
  });
}
