import { assertEquals } from "@std/assert";
import { Duplex, type Duplex as Connection } from "node:stream";
import { splice } from "../../../http/streaming/relay.ts";

/** One end of a connection in memory; what is written to it is kept, `say` is what its peer sends. */
class End extends Duplex {
  heard = "";
  override _read() {}
  override _write(chunk: Uint8Array, _encoding: string, done: () => void) {
    this.heard += new TextDecoder().decode(chunk);
    done();
  }
  say(text: string) {
    this.push(new TextEncoder().encode(text));
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const answers: { title: string; answer: string[]; passed: string }[] = [
  {
    title: "is passed on once the server has switched",
    answer: ["HTTP/1.1 101 Switching\r\n\r\n"],
    passed: "early late",
  },
  { title: "is passed on however the answer is cut", answer: ["HTTP/1", ".1 10", "1 S\r\n\r\n"], passed: "early late" },
  { title: "is never passed on after a refusal", answer: ["HTTP/1.1 403 Forbidden\r\n\r\n"], passed: "" },
  { title: "is never passed on to what is no HTTP", answer: ["SSH-2.0"], passed: "" },
  { title: "waits as long as nothing is answered", answer: [], passed: "" },
];
for (const { title, answer, passed } of answers) {
  Deno.test(`what a client says on a connection to be upgraded ${title}`, async () => {
    const [client, upstream] = [new End(), new End()];
    splice(client as Connection, upstream as Connection, new TextEncoder().encode("early "));
    client.say("late");
    for (const part of answer) {
      upstream.say(part);
      await turn();
    }
    await turn();
    assertEquals(upstream.heard, passed);
    assertEquals(client.heard, answer.join(""));
    client.destroy();
    upstream.destroy();
    await turn();
  });
}
