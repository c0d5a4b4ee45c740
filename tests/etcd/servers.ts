/** The servers that the same tests run against: Chartroom's endpoint, one of three of it, and Debian's etcd. */
import { administerSingleMember } from "../../actors/store/administration.ts";
import { openStorage } from "../../actors/store/open_storage.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { realDisk } from "../../actors/disk/real_disk.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { startEtcdEndpoint } from "../../http/etcd/start_etcd_endpoint.ts";
import { startThree } from "./three_members.ts";
import { issue, type KeyPair, makeAuthority } from "../../http/auth/certificates/issue.ts";

export interface ServerOptions {
  readonly quotaBytes?: number;
  /** Elections of 0.1 s, so that it is there soon; leases may then last a second. */
  readonly quick?: boolean;
  /** The common name of the client's certificate: etcd takes it for a user where nobody says another. */
  readonly clientName?: string;
}

/** Where a server is, and with which certificate. */
export interface EtcdPlace {
  /** https://127.0.0.1:port */
  readonly url: string;
  /** Paths. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
}

export interface EtcdServer extends EtcdPlace {
  readonly files: CertificateFiles;
  /** Every member. */
  readonly all: readonly EtcdPlace[];
  readonly leader: EtcdPlace;
  close(): Promise<void>;
}

export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** What is in them. */
  readonly pem: { readonly ca: string; readonly cert: string; readonly key: string };
  /** An authority that the server does not know, and a client of it. */
  readonly stranger: KeyPair;
}

export const serverKinds = {
  "Chartroom's endpoint": startChartroom,
  "a follower of three of Chartroom's": (options: ServerOptions = {}) => startThree(writeCertificates, options),
  "Debian's etcd": startEtcd,
} as const;

export async function startChartroom(options: ServerOptions = {}): Promise<EtcdServer> {
  const directory = await Deno.makeTempDir({ prefix: "chartroom-etcd-" });
  const files = await writeCertificates(directory);
  const inner = await openStorage({ disk: realDisk(directory), clock: realClock, random: realRandom });
  let addresses: string[] = [];
  const { storage, administration } = administerSingleMember(inner, {
    name: "default",
    clientAddresses: () => addresses,
    ...(options.quotaBytes === undefined ? {} : { quotaBytes: options.quotaBytes }),
  });
  const endpoint = await startEtcdEndpoint({
    storage,
    administration,
    clock: realClock,
    tls: files.pem,
    hostname: "127.0.0.1",
    port: 0,
  });
  addresses = [`https://${endpoint.address}`];
  const place = { url: `https://${endpoint.address}`, files };
  return {
    ...place,
    all: [place],
    leader: place,
    async close() {
      await endpoint.close();
      await storage.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

export async function startEtcd(options: ServerOptions = {}): Promise<EtcdServer> {
  const directory = await Deno.makeTempDir({ prefix: "real-etcd-" });
  const files = await writeCertificates(directory, options.clientName);
  const [port, peerPort] = [freePort(), freePort()];
  const url = `https://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const process = new Deno.Command("etcd", {
    args: [
      ...["--data-dir", `${directory}/data`, "--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`],
      ...["--cert-file", files.cert, "--key-file", files.key, "--trusted-ca-file", files.ca, "--client-cert-auth"],
      ...["--logger", "zap", "--log-level", "error"],
      ...(options.quotaBytes === undefined ? [] : ["--quota-backend-bytes", String(options.quotaBytes)]),
      ...(options.quick ? ["--heartbeat-interval", "10", "--election-timeout", "100"] : []),
    ],
    env: { ETCD_UNSUPPORTED_ARCH: "arm64" },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const server: EtcdServer = {
    url,
    files,
    all: [{ url, files }],
    leader: { url, files },
    async close() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
  try {
    await untilHealthy(server);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Waits for its first answer. */
async function untilHealthy(server: EtcdServer): Promise<void> {
  for (let attempt = 0;; attempt++) {
    const { code, error } = await etcdctl(server, "--command-timeout=2s", "--dial-timeout=1s", "get", "nothing");
    if (code === 0) return;
    if (attempt > 30) throw new Error(`Cannot reach etcd: ${error}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return (listener.addr as Deno.NetAddr).port;
}

async function writeCertificates(directory: string, commonName = "etcd"): Promise<CertificateFiles> {
  const now = Date.now();
  const authority = await makeAuthority("etcd", now);
  const usages = ["server", "client"] as const;
  const own = await issue(authority, {
    commonName,
    usages,
    ipAddresses: ["127.0.0.1"],
    dnsNames: ["localhost"],
  }, now);
  const stranger = await issue(await makeAuthority("another", now), { commonName: "stranger", usages }, now);
  const pem = { ca: authority.certificate, cert: own.certificate, key: own.key };
  const paths = { ca: `${directory}/ca.crt`, cert: `${directory}/etcd.crt`, key: `${directory}/etcd.key` };
  for (const name of ["ca", "cert", "key"] as const) await Deno.writeTextFile(paths[name], pem[name], { mode: 0o600 });
  return { ...paths, pem, stranger };
}

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

/** Runs etcdctl against a server. */
export function etcdctl(server: EtcdPlace, ...args: string[]): Promise<Ran> {
  return etcdctlWith(server, "", ...args);
}

export async function etcdctlWith(server: EtcdPlace, input: string, ...args: string[]): Promise<Ran> {
  const child = etcdctlCommand(server, args, input === "" ? "null" : "piped").spawn();
  if (input !== "") {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout).trimEnd(), error: text.decode(stderr).trimEnd() };
}

export function etcdctlCommand(server: EtcdPlace, args: string[], stdin: "null" | "piped" = "null"): Deno.Command {
  const { files, url } = server;
  return new Deno.Command("etcdctl", {
    args: [`--endpoints=${url}`, `--cacert=${files.ca}`, `--cert=${files.cert}`, `--key=${files.key}`, ...args],
    env: { ETCDCTL_API: "3" },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}
