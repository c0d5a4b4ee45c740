/** Stock kubectl against our servers: exec, attach, port-forward and logs, over WebSocket and over SPDY/3.1. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { kubeconfig } from "../../http/auth/certificates/kubeconfig.ts";
import { admin, authority } from "../http/server/keys.ts";
import { cluster } from "../http/kubelet/cluster.ts";
import { clientTool } from "../../tools/client_tools.ts";
import { clientsMissing } from "../support/kubectl.ts";

const found = !clientsMissing("kubectl");
const program = found ? await clientTool("kubectl") : "kubectl";

async function world() {
  const made = await cluster();
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  const server = `https://127.0.0.1:${made.port}`;
  await Deno.writeTextFile(
    path,
    kubeconfig({
      cluster: "c",
      user: "u",
      server,
      authority: authority.certificate,
      credentials: admin,
      namespace: "ns",
    }),
  );
  const command = (env: Record<string, string>, args: string[]) =>
    new Deno.Command(program, {
      args: ["--kubeconfig", path, ...args],
      env: { ...env, HOME: path.replace(/[^/]*$/, "") },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
  return {
    ...made,
    command,
    async run(env: Record<string, string>, args: string[], input = "") {
      const child = command(env, args).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
      const { code, stdout, stderr } = await child.output();
      const text = new TextDecoder();
      return { code, out: text.decode(stdout), error: text.decode(stderr) };
    },
    async close() {
      await made.close();
      await Deno.remove(path);
    },
  };
}

const transports: Record<string, Record<string, string>> = {
  "WebSocket": { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "true", KUBECTL_PORT_FORWARD_WEBSOCKETS: "true" },
  "SPDY/3.1": { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" },
};

for (const [name, env] of Object.entries(transports)) {
  Deno.test({
    name: `kubectl runs commands over ${name}`,
    ignore: !found,
    fn: async () => {
      const { run, close, idle } = await world();
      assertEquals(await run(env, ["exec", "p", "--", "echo", "a", "b"]), { code: 0, out: "a b\n", error: "" });
      assertEquals(await run(env, ["exec", "-i", "p", "--", "cat"], "through"), { code: 0, out: "through", error: "" });
      const both = await run(env, ["exec", "p", "--", "both"]);
      assertEquals([both.out, both.error], ["to stdout\n", "to stderr\n"]);
      assertEquals((await run(env, ["exec", "p", "--", "big"])).out.length, 64 * 65_536);
      const failed = await run(env, ["exec", "p", "--", "exit", "42"]);
      assertEquals([failed.code, failed.error], [42, "command terminated with exit code 42\n"]);
      const missing = await run(env, ["exec", "p", "--", "missing"]);
      assertStringIncludes(missing.error, 'error executing command in container: exec: "missing"');
      assertEquals((await run(env, ["attach", "-i", "p"], "attached")).out, "attached");
      await idle();
      await close();
    },
  });

  Deno.test({
    name: `kubectl forwards ports over ${name}`,
    ignore: !found,
    fn: async () => {
      const { command, close } = await world();
      const child = command(env, ["port-forward", "p", ":7"]).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let told = "";
      while (!/-> 7\n/.test(told)) {
        const { done, value } = await reader.read();
        if (done) {
          throw new Error(`Cannot forward: kubectl said ${told} ${(await child.stderr.getReader().read()).value}`);
        }
        told += value;
      }
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(told)![1]);
      const talk = async (text: string) => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        await connection.write(new TextEncoder().encode(text));
        await connection.closeWrite();
        return await new Response(connection.readable).text();
      };
      const long = "x".repeat(200_000);
      assertEquals(await Promise.all([talk("one"), talk("two"), talk(long)]), ["ONE", "TWO", long.toUpperCase()]);
      child.kill("SIGTERM");
      await reader.cancel();
      await child.stdin.close();
      await child.stderr.cancel();
      await child.status;
      await close();
    },
  });
}

Deno.test({
  name: "kubectl reads logs",
  ignore: !found,
  fn: async () => {
    const { run, close, streams } = await world();
    assertEquals((await run({}, ["logs", "p"])).out, "first\n");
    assertEquals((await run({}, ["logs", "p", "--tail=3", "--timestamps", "--since=5s"])).code, 0);
    const { options } = streams.seen.at(-1) as { options: unknown };
    assertEquals(options, { follow: false, previous: false, timestamps: true, tailLines: 3, sinceSeconds: 5 });
    const refused = await run({}, ["logs", "p", "-c", "waiting"]);
    assertStringIncludes(refused.error, 'container "waiting" in pod "p" is waiting to start');
    await close();
  },
});
