/**
 * A connection to a port on a pod's own loopback address: it only exists inside the sandbox's network namespace, so a
 * small relay is started in there (`nsenter`), which connects and copies between the connection and its own pipes.
 */
import type { ByteStream } from "../../ports/node_streams.ts";

/** Says one byte when it is connected, then copies both ways until both have ended. */
const relay = `
let c;
for (const hostname of ["127.0.0.1", "::1"]) {
  try { c = await Deno.connect({ hostname, port: PORT }); break; } catch (e) { if (hostname === "::1") {
    await Deno.stderr.write(new TextEncoder().encode(String(e.message))); Deno.exit(1); } }
}
await Deno.stdout.write(new Uint8Array([1]));
const up = Deno.stdin.readable.pipeTo(new WritableStream({ write: (b) => { let n = 0; return (async () => {
  while (n < b.length) n += await c.write(b.subarray(n)); })(); }, close: () => c.closeWrite() })).catch(() => {});
await c.readable.pipeTo(Deno.stdout.writable).catch(() => {});
Deno.exit(0);
`;

/** @throws Error when nobody listens there. */
export async function openForward(pid: number, port: number): Promise<ByteStream> {
  const script = relay.replace("PORT", String(port));
  const child = new Deno.Command("nsenter", {
    args: [`--net=/proc/${pid}/ns/net`, "--", Deno.execPath(), "eval", "--no-config", "--no-lock", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const close = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  const reader = child.stdout.getReader();
  const { value, done } = await reader.read();
  if (done || value[0] !== 1) {
    const said = await new Response(child.stderr).text();
    await Promise.all([child.stdin.close().catch(() => {}), reader.cancel(), child.status]);
    throw new Error(`Cannot forward to port ${port} inside the pod: ${said.trim() || "the relay ended"}`);
  }
  const first = value.subarray(1);
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (first.length > 0) controller.enqueue(first);
    },
    async pull(controller) {
      const next = await reader.read();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      close();
      await reader.cancel();
    },
  });
  void child.stderr.cancel();
  return { readable, writable: child.stdin, close };
}
