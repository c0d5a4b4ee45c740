/** A machine that loses power, and what systemd does when it is back: the very command of the unit that was installed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildBusybox, busybox } from "../docker/images.ts";
import { eventually } from "../support/eventually.ts";
import { type Client, clientsMissing, kubectl } from "../support/kubectl.ts";
import { TestHost } from "../support/test_host.ts";

const root = new URL("../../", import.meta.url).pathname;
const ignore = clientsMissing("kubectl");

/** Does what is asked of systemd here: `start` runs the unit's own ExecStart with the unit's own environment. */
const systemctl = `#!/bin/sh
unit=/etc/systemd/system/$2
case $1 in
  start)
    env=$(sed -n 's/^Environment=//p' "$unit" | tr '\\n' ' ')
    command=$(sed -n 's/^ExecStart=//p' "$unit")
    setsid --fork sh -c "exec env $env $command" >>"$DIRECTORY/journal" 2>&1 </dev/null ;;
  is-active) echo active ;;
esac
echo "$@" >>"$DIRECTORY/asked"
`;

const sizes: { name: string; flags: string[]; processes: number }[] = [
  { name: "one process", flags: ["--nodes", "1"], processes: 1 },
  { name: "three masters and two workers", flags: ["--masters", "3", "--workers", "2"], processes: 6 },
];
for (const { name, flags, processes } of sizes) {
  Deno.test({
    name: `a cluster of ${name} comes back with its machine: its objects, its pods and its services`,
    ignore,
    fn: async () => {
      const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
      const id = crypto.randomUUID().slice(0, 8);
      await using host = new TestHost(`crt-${id}`, directory);
      try {
        await host.start();
        await Deno.writeTextFile(`${directory}/bin/systemctl`, systemctl.replaceAll("$DIRECTORY", directory), {
          mode: 0o755,
        });
        const own = ["--name", `test-${id}`, "--state", `${directory}/state`];
        const env = {
          NO_COLOR: "1",
          CHARTROOM_DENO: Deno.execPath(),
          PATH: `${directory}/bin:${Deno.env.get("PATH")}`,
        };
        const said = await host.ok([`${root}chartroom`, "up", "--boot", ...flags, ...own], env);
        assertMatch(said, new RegExp(`Unit chartroom-test-${id}.service installed`));
        const client = await kubectlOn(host, directory);
        await buildBusybox(host.within);
        await client.ok("wait --for=create serviceaccount/default --timeout=60s");
        await client.ok(["run", "web", `--image=${busybox}`, "--port=80", "--expose", "--command", "--", ...serving]);
        await client.ok("wait --for=condition=Ready pod/web --timeout=90s");
        const address = await client.ok(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
        const answers = () => host.ok(["curl", "-sf", "-m", "2", `http://${address}/hosts`]);
        await eventually("the service answers", answers, { withinMs: 30_000 });

        await host.cutPower();
        await host.start();
        // Nothing of it is there: no process, no link, no rule, no engine.
        assertEquals(
          (await host.ok(["ps", "-eo", "args="])).split("\n").filter((line) => /main\.ts|dockerd/.test(line)),
          [],
        );
        assertEquals(await host.ok(["nft", "list", "tables"]), "");
        assertMatch(await host.ok(["ip", "-br", "link"]), /^lo +\S+ .*\n$/);
        await host.ok(["systemctl", "start", `chartroom-test-${id}.service`], env);
        await eventually("the pod runs", async () => {
          await client.ok("wait --for=condition=Ready pod/web --timeout=5s");
          await client.ok("wait --for=condition=Ready node --all --timeout=5s");
        }, { withinMs: 120_000 });
        await eventually("the service answers again", answers, { withinMs: 60_000 });
        const living = (await host.ok(["ps", "-eo", "args="])).split("\n").filter((line) =>
          /deno run .*main\.ts/.test(line)
        );
        assertEquals(living.length, processes);

        const down = await host.ok([`${root}chartroom`, "down", "--delete-state", ...own], env);
        assertMatch(down, /It does not come back with this machine any more/);
        assertEquals([...Deno.readDirSync(`${directory}/units`)], []);
        const asked = (await Deno.readTextFile(`${directory}/asked`)).trim().split("\n").map((line) =>
          line.split(" ")[0]
        );
        assertEquals(asked.slice(0, 3), ["daemon-reload", "enable", "start"]);
        assert(asked.includes("disable"));
      } catch (error) {
        console.error(await Deno.readTextFile(`${directory}/journal`).catch(() => "nothing was started"));
        throw error;
      } finally {
        await host[Symbol.asyncDispose]();
        await Deno.remove(directory, { recursive: true }).catch(() => {});
      }
    },
  });
}

const serving = ["httpd", "-f", "-p", "80", "-h", "/etc"];

/** Stock kubectl, on that host. */
async function kubectlOn(host: TestHost, directory: string): Promise<Client> {
  const client = await kubectl(`${directory}/state/kubeconfig`, directory);
  return {
    ok: async (words: readonly string[] | string) =>
      (await host.ok(
        [client.program, ...client.fixed, ...(typeof words === "string" ? words.split(" ") : words)],
        client.env,
      )).trim(),
  } as Client;
}
