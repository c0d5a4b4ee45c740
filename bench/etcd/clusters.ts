/** Clusters for the etcd benchmarks, each member a process of its own: Chartroom's store and Debian's etcd-server. */
import { issue, makeAuthority } from "../../http/auth/certificates/issue.ts";
import type { MemberTask } from "./member.ts";

export interface BenchMember {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** As by a crash. */
  kill(): Promise<void>;
  /** After `kill`. */
  start(): Promise<void>;
}

export interface BenchCluster {
  readonly members: readonly BenchMember[];
  /** PEM: servers' and clients' alike. */
  readonly tls: MemberTask["tls"];
  close(): Promise<void>;
}

export const kinds = { Chartroom: chartroomCommand, etcd: etcdCommand } as const;

interface Place {
  readonly name: string;
  readonly directory: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export async function startCluster(kind: keyof typeof kinds, size: number): Promise<BenchCluster> {
  const root = await Deno.makeTempDir({ prefix: "chartroom-bench-" });
  const authority = await makeAuthority("bench", Date.now());
  const places: Place[] = ["a", "b", "c"].slice(0, size).map((name) => ({
    name,
    directory: `${root}/${name}`,
    clientPort: freePort(),
    peerPort: freePort(),
  }));
  const own = async (commonName: string) => {
    const addresses = { dnsNames: ["localhost", commonName], ipAddresses: ["127.0.0.1"] };
    const subject = { commonName, usages: ["server", "client"] as const, ...addresses };
    const { certificate, key } = await issue(authority, subject, Date.now());
    return { ca: authority.certificate, cert: certificate, key };
  };
  const members = await Promise.all(places.map(async (place) => {
    await Deno.mkdir(place.directory);
    return new Process(place, kinds[kind](place, places, await own(place.name)));
  }));
  await Promise.all(members.map((member) => member.start()));
  return {
    members,
    tls: await own("client"),
    async close() {
      for (const member of members) await member.kill();
      await Deno.remove(root, { recursive: true });
    },
  };
}

class Process implements BenchMember {
  #child: Deno.ChildProcess | undefined;

  constructor(readonly place: Place, readonly command: Deno.Command) {}

  get name(): string {
    return this.place.name;
  }

  get port(): number {
    return this.place.clientPort;
  }

  get pid(): number {
    return this.#child!.pid;
  }

  // deno-lint-ignore require-await
  async start(): Promise<void> {
    this.#child = this.command.spawn();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill("SIGKILL");
    await child.status;
  }
}

function chartroomCommand(place: Place, all: readonly Place[], tls: MemberTask["tls"]): Deno.Command {
  const task: MemberTask = {
    name: place.name,
    directory: place.directory,
    clientPort: place.clientPort,
    tls,
    ...(all.length === 1 ? {} : {
      peers: {
        port: place.peerPort,
        all: all.map(({ name, peerPort }) => ({ name, peerAddresses: [`https://127.0.0.1:${peerPort}`] })),
      },
    }),
  };
  const path = new URL("member.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", path, JSON.stringify(task)],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  });
}

/** Its members speak to each other without TLS, which is to its advantage. */
function etcdCommand(place: Place, all: readonly Place[], tls: MemberTask["tls"]): Deno.Command {
  const files = (["ca", "cert", "key"] as const).map((name) => {
    const path = `${place.directory}/${name}.pem`;
    Deno.writeTextFileSync(path, tls[name], { mode: 0o600 });
    return path;
  });
  const [ca = "", cert = "", key = ""] = files;
  const url = `https://127.0.0.1:${place.clientPort}`;
  const peer = (port: number) => `http://127.0.0.1:${port}`;
  const cluster = all.map(({ name, peerPort }) => `${name}=${peer(peerPort)}`).join(",");
  return new Deno.Command("etcd", {
    args: [
      ...["--name", place.name, "--data-dir", `${place.directory}/data`],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peer(place.peerPort), "--initial-advertise-peer-urls", peer(place.peerPort)],
      ...["--initial-cluster", cluster, "--trusted-ca-file", ca, "--cert-file", cert, "--key-file", key],
      ...["--client-cert-auth", "--logger", "zap", "--log-level", "fatal"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}
