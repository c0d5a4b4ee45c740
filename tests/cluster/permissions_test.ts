/**
 * permissions.txt against what is really done: everything works with it, and nothing is in it that nobody needs.
 * Programs are counted by stand-ins on the PATH that note who called them and go on as the real ones. What is read,
 * written, connected to and asked of the system is what Deno's audit of permissions says; it does not say of which
 * process, so where roles are processes of their own an entry counts as needed if one of them needs it.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ClusterState } from "../../commands/cluster_state.ts";
import { parsePermissions, permissionFlags } from "../../commands/permissions.ts";
import { buildBusybox, busybox } from "../docker/images.ts";
import { eventually } from "../support/eventually.ts";
import { type Client, clientsMissing, kubectl } from "../support/kubectl.ts";

const root = new URL("../../", import.meta.url).pathname;
const ignore = clientsMissing("kubectl");
const table = parsePermissions(await Deno.readTextFile(`${root}permissions.txt`));

/** Programs that a cluster in health has no use for, and what they are there for. */
const inTrouble: Readonly<Record<string, readonly string[]>> = {
  ss: ["cluster", "master", "node"], // Names the process on a port that is in use: process_test.ts.
  systemctl: ["down"], // Takes the unit of `up --boot` away: boot_test.ts.
};

/** Flags that are named alike by Deno's audit. */
const audited = ["read", "write", "net", "sys"] as const;

/** What a role may do that nobody asked for. */
async function unneeded(role: string, counted: Counted): Promise<string[]> {
  const asked = await counted.asked();
  const flags = await permissionFlags(role, new ClusterState(counted.name, counted.state));
  return audited.flatMap((flag) => {
    const list = flags.find((each) => each.startsWith(`--allow-${flag}=`))?.slice(`--allow-${flag}=`.length) ?? "";
    return list.split(",").filter((entry) => {
      return entry !== "" && !asked.some(({ permission, value }) => permission === flag && isWithin(value, entry));
    }).map((entry) => `${role} --allow-${flag}=${entry}`);
  });
}

/** `value`: a path, a host with a port, an address of a resource, or a name. */
function isWithin(value: string, entry: string): boolean {
  return value === entry || value.startsWith(`${entry}/`) || value.startsWith(`${entry}:`) ||
    value.startsWith(`https://${entry}:`);
}

interface Asked {
  readonly permission: string;
  readonly value: string;
}

function listOf(role: string, flag: string): string[] {
  const found = table.get(role)?.find((each) => each.startsWith(`--allow-${flag}=`)) ?? "";
  return found === "" ? [] : found.slice(found.indexOf("=") + 1).split(",");
}

function programsOf(role: string): string[] {
  return listOf(role, "run").filter((program) => program !== "{deno}" && !inTrouble[program]?.includes(role)).sort();
}

/** A host whose programs are counted. */
class Counted {
  private constructor(readonly directory: string, readonly name: string) {}

  static async make(): Promise<Counted> {
    const counted = new Counted(
      await Deno.makeTempDir({ prefix: "chartroom-test-" }),
      `test-${crypto.randomUUID().slice(0, 8)}`,
    );
    await Deno.mkdir(`${counted.directory}/bin`);
    await new Deno.Command("mkfifo", { args: [counted.#audit] }).output();
    // Every process that starts would empty a file; and a pipe has room only while somebody reads it.
    counted.#reader = new Deno.Command("sh", {
      args: ["-c", 'exec cat <>"$1" >"$1.jsonl"', "sh", counted.#audit],
      stdin: "null",
    }).spawn();
    for (const program of new Set([...table.keys()].flatMap((role) => listOf(role, "run")))) {
      if (program === "{deno}") continue;
      const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] }).output();
      const real = new TextDecoder().decode(stdout).trim();
      assert(real !== "", `"${program}" is not installed`);
      const script = `#!/bin/sh\necho "${program} $PPID" >>${counted.directory}/calls\nexec ${real} "$@"\n`;
      await Deno.writeTextFile(`${counted.directory}/bin/${program}`, script, { mode: 0o755 });
    }
    return counted;
  }

  #reader: Deno.ChildProcess | undefined;

  get #audit(): string {
    return `${this.directory}/audit`;
  }

  /** What any process asked of Deno's permissions. Lines of several that write at once may be cut: those are left out. */
  async asked(): Promise<readonly Asked[]> {
    const text = await Deno.readTextFile(`${this.#audit}.jsonl`);
    const found = new Map<string, Asked>();
    for (const [whole, permission, value] of text.matchAll(/"permission":"(\w+)","value":"([^"]+)"/g)) {
      found.set(whole, { permission: permission!, value: value! });
    }
    return [...found.values()];
  }

  get state(): string {
    return `${this.directory}/state`;
  }

  async chartroom(...args: string[]): Promise<{ said: string; pid: number }> {
    const child = new Deno.Command(`${root}chartroom`, {
      args: [...args, "--name", this.name, "--state", this.state],
      env: {
        CHARTROOM_DENO: Deno.execPath(),
        DENO_AUDIT_PERMISSIONS: this.#audit,
        NO_COLOR: "1",
        PATH: `${this.directory}/bin:${Deno.env.get("PATH")}`,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { code, stdout, stderr } = await child.output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(code, 0, `${args.join(" ")}: ${said}`);
    assert(!/NotCapable|Requires .* access/.test(said), said);
    return { said, pid: child.pid };
  }

  /** Program names by the process that called them. */
  async calls(): Promise<Map<number, Set<string>>> {
    const calls = new Map<number, Set<string>>();
    for (const line of (await Deno.readTextFile(`${this.directory}/calls`)).split("\n")) {
      const [program, caller] = line.split(" ");
      if (program === undefined || caller === undefined) continue;
      calls.set(Number(caller), (calls.get(Number(caller)) ?? new Set()).add(program));
    }
    return calls;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.chartroom("down", "--delete-state");
    } finally {
      this.#reader?.kill();
      await this.#reader?.status;
      await Deno.remove(this.directory, { recursive: true });
    }
  }
}

/** A pod with a volume of each kind, every kind of probe, and a port of each kind. */
function objects(hostDirectory: string): object[] {
  const metadata = { name: "all", labels: { app: "all" } };
  const volumes = {
    plain: { emptyDir: {} },
    memory: { emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    directory: { hostPath: { path: `${hostDirectory}/made/directory`, type: "DirectoryOrCreate" } },
    file: { hostPath: { path: `${hostDirectory}/file`, type: "FileOrCreate" } },
    settings: { configMap: { name: "all" } },
    secret: { secret: { secretName: "all" } },
    downward: { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
    projected: {
      projected: {
        sources: [
          { configMap: { name: "all", items: [{ key: "a", path: "a" }] } },
          { serviceAccountToken: { path: "token" } },
        ],
      },
    },
  };
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "setting" } },
    { apiVersion: "v1", kind: "Secret", metadata, stringData: { a: "secret" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: {
        type: "LoadBalancer",
        selector: { app: "all" },
        ports: [
          { name: "web", port: 80, targetPort: 8080 },
          { name: "udp", port: 99, targetPort: 9999, protocol: "UDP" },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: { fsGroup: 2000 },
        containers: [{
          name: "app",
          image: busybox,
          command: ["sh", "-c", "echo started; httpd -p 8080 -h /settings; sleep 3600"],
          ports: [{ containerPort: 8080 }],
          startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          readinessProbe: { httpGet: { port: 8080, path: "/a" }, periodSeconds: 1 },
          livenessProbe: { exec: { command: ["true"] } },
          lifecycle: { postStart: { exec: { command: ["true"] } } },
          volumeMounts: [
            ...Object.keys(volumes).map((name) => ({ name, mountPath: `/${name}` })),
            { name: "plain", mountPath: "/part", subPath: "part" },
          ],
        }],
        volumes: Object.entries(volumes).map(([name, volume]) => ({ name, ...volume })),
      },
    },
  ];
}

async function useEverything(client: Client, counted: Counted): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects(counted.directory) };
  await client.ok("wait --for=create serviceaccount/default --timeout=20s");
  await client.ok("apply -f -", { input: JSON.stringify(list) });
  await client.ok("wait --for=condition=Ready pod/all --timeout=60s");
  assertEquals(await client.ok("logs all"), "started");
  const script = "cat /settings/a /secret/a /downward/name /projected/a; test -s /projected/token; " +
    "nslookup all.default.svc.cluster.local >/dev/null && echo resolved";
  assertEquals(await client.ok(["exec", "all", "--", "sh", "-c", script]), "settingsecretallsettingresolved");
  assertEquals(await client.ok("exec -i all -- cat", { input: "in and out" }), "in and out");
  await forwardPort(client);
  assertMatch((await counted.chartroom("status")).said, /Pods +1 Running/);
  assertMatch((await counted.chartroom("explain", "pod", "all")).said, /pod\/default\/all\//);
  assertMatch((await counted.chartroom("kubeconfig")).said, /^apiVersion/);
  await client.ok("delete pod all --timeout=30s");
}

async function forwardPort(client: Client): Promise<void> {
  const child = client.command(["port-forward", "pod/all", ":8080"]).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let said = "";
    while (!/:(\d+) ->/.test(said)) said += (await reader.read()).value ?? "";
    const answer = await fetch(`http://127.0.0.1:${/:(\d+) ->/.exec(said)![1]}/a`);
    assertEquals(await answer.text(), "setting");
  } finally {
    child.kill("SIGTERM");
    await reader.cancel();
    await child.stderr.cancel();
    await child.status;
  }
}

const ways: { way: string; flags: string[]; roles: Record<string, string> }[] = [
  { way: "in one process", flags: [], roles: {} },
  { way: "split", flags: ["--split"], roles: { "master-0": "master", "worker-0": "node", "worker-1": "node" } },
];

for (const { way, flags, roles } of ways) {
  Deno.test({
    name: `a cluster ${way} works with its permissions, and needs each of them`,
    ignore,
    fn: async () => {
      await buildBusybox();
      const used = new Map<string, Set<string>>();
      const add = (role: string, programs: ReadonlySet<string> = new Set()) =>
        used.set(role, (used.get(role) ?? new Set()).union(programs));
      await using counted = await Counted.make();
      const up = await counted.chartroom("up", "--detach", "--nodes", "2", ...flags);
      const note = JSON.parse(await Deno.readTextFile(`${counted.state}/running.json`));
      const client = await kubectl(`${counted.state}/kubeconfig`, counted.directory);
      try {
        await useEverything(client, counted);
      } catch (error) {
        console.error(await Deno.readTextFile(`${counted.state}/chartroom.log`));
        throw error;
      }
      const main = flags.length === 0 ? "cluster" : "supervisor";
      // Whatever waits for the pod's end: endpoints, rules, volumes.
      const all = flags.length === 0 ? ["cluster"] : ["supervisor", "master", "node"];
      await eventually("every program was run", async () => {
        used.clear();
        const calls = await counted.calls();
        // `sh` is run by `setsid`, which asks nobody.
        for (const pid of [up.pid, note.pid]) add(main, calls.get(pid)?.difference(new Set(["sh"])));
        for (const [process, role] of Object.entries(roles)) add(role, calls.get(note.processes[process]));
        for (const role of all) assertEquals([role, [...used.get(role)!].sort()], [role, programsOf(role)]);
      });
      assertEquals((await Promise.all(all.map((role) => unneeded(role, counted)))).flat(), []);
      const log = await Deno.readTextFile(`${counted.state}/chartroom.log`);
      assert(!/NotCapable|Requires .* access|failed/.test(log), log);
      // Left for `down`, with its token on a tmpfs.
      await client.ok(`run left --image=${busybox} -- sleep 1000`);
      await client.ok("wait --for=condition=Ready pod/left --timeout=30s");
      const down = await counted.chartroom("down");
      assertEquals([...(await counted.calls()).get(down.pid) ?? []].sort(), programsOf("down"));
    },
  });
}

Deno.test("every variable that the program reads is allowed to some role, and no other", async () => {
  const read = new Set<string>();
  for (const folder of ["commands", "actors", "http", "machines"]) await variablesRead(`${root}${folder}`, read);
  for (const name of variablesIn(await Deno.readTextFile(`${root}main.ts`))) read.add(name);
  const allowed = new Set([...table.keys()].flatMap((role) => listOf(role, "env")));
  assertEquals([...allowed].sort(), [...read].sort());
});

function variablesIn(text: string): string[] {
  return [...text.matchAll(/env\.get\("(\w+)"\)/g)].map(([, name]) => name!);
}

async function variablesRead(folder: string, found: Set<string>): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await variablesRead(`${folder}/${name}`, found);
    else if (name.endsWith(".ts")) {
      for (const variable of variablesIn(await Deno.readTextFile(`${folder}/${name}`))) found.add(variable);
    }
  }
}
