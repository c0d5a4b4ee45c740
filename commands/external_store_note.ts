/** Which etcd of somebody else's a cluster keeps its objects in: said once to `up`, noted in its state from then on. */
import type { ClusterState } from "./cluster_state.ts";

export interface ExternalStore {
  /** Drawn once: tells this cluster from another one of the same name. */
  readonly id: string;
  /** host:port */
  readonly endpoints: readonly string[];
  /** All keys of the cluster begin with it and a slash. */
  readonly prefix: string;
  /** PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly user?: { readonly name: string; readonly password: string };
}

export interface StoreOptions {
  /** etcd://host:port,...[/prefix] */
  readonly store?: string;
  readonly storeCa?: string;
  readonly storeCert?: string;
  readonly storeKey?: string;
  readonly storeUser?: string;
  readonly storePasswordFile?: string;
}

const file = "external_store.json";

export async function readExternalStore(state: ClusterState): Promise<ExternalStore | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(state.path(file)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** @throws Error when it cannot be used by this cluster, or what was said of it makes no sense. */
export async function noteExternalStore(state: ClusterState, options: StoreOptions): Promise<void> {
  const known = await readExternalStore(state);
  if (options.store !== undefined && known === undefined && await hasOwnStore(state)) {
    throw new Error(
      `Cannot keep cluster "${state.name}" in ${options.store}: its objects are in ${state.path("store")}; ` +
        "give the new cluster another --name",
    );
  }
  if (options.store === undefined) return refuseRest(options);
  const { endpoints, prefix = `/chartroom/${state.name}` } = parseStoreUrl(options.store);
  if (known !== undefined && known.prefix !== prefix) {
    throw new Error(
      `Cannot move cluster "${state.name}" to "${prefix}" in etcd: its objects are below "${known.prefix}"`,
    );
  }
  const tls = await readTls(options);
  const user = await readUser(options);
  const note: ExternalStore = {
    id: known?.id ?? crypto.randomUUID(),
    endpoints,
    prefix,
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { user }),
  };
  const path = state.path(file);
  await Deno.writeTextFile(`${path}.new`, `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}

/** Arguments of a command line without those that are noted by now. */
export function withoutStoreOptions(args: readonly string[]): string[] {
  const pattern = /^--store(-ca|-cert|-key|-user|-password-file)?(=.*)?$/s;
  return args.filter((argument, at) => {
    const before = args[at - 1] ?? "";
    return !pattern.test(argument) && !(pattern.test(before) && !before.includes("="));
  });
}

/** @throws Error saying what is wrong with it. */
export function parseStoreUrl(text: string): { endpoints: string[]; prefix?: string } {
  const [, hosts, path = ""] = /^etcd:\/\/([^/]+)(\/.*)?$/.exec(text) ?? [];
  const form = "etcd://host:port,host:port or etcd://host:port/prefix";
  if (hosts === undefined) throw new Error(`Cannot use --store ${text}: it must be ${form}`);
  if (hosts.includes("@")) {
    throw new Error(
      "Cannot use --store: everybody on this host could read a password in it; use --store-user and " +
        "--store-password-file",
    );
  }
  const endpoints = hosts.split(",");
  const bad = endpoints.find((each) => !/^(\[[0-9a-f:.]+\]|[^:[\]]+):\d{1,5}$/i.test(each));
  if (bad !== undefined) throw new Error(`Cannot use --store ${text}: "${bad}" is not host:port`);
  const prefix = path.replace(/\/+$/, "");
  if (prefix === "") return { endpoints };
  if (/^(\/[A-Za-z0-9._-]+)+$/.test(prefix)) return { endpoints, prefix };
  throw new Error(`Cannot use --store ${text}: a prefix has letters, digits, ".", "_" and "-" between slashes`);
}

async function readTls({ storeCa, storeCert, storeKey }: StoreOptions): Promise<ExternalStore["tls"]> {
  if ((storeCert === undefined) !== (storeKey === undefined)) {
    throw new Error("Cannot use a certificate without its key: --store-cert and --store-key go together");
  }
  if (storeCa === undefined && storeCert === undefined) return undefined;
  return {
    ...(storeCa === undefined ? {} : { ca: await readGiven("--store-ca", storeCa) }),
    ...(storeCert === undefined ? {} : { cert: await readGiven("--store-cert", storeCert) }),
    ...(storeKey === undefined ? {} : { key: await readGiven("--store-key", storeKey) }),
  };
}

async function readUser({ storeUser, storePasswordFile }: StoreOptions): Promise<ExternalStore["user"]> {
  if ((storeUser === undefined) !== (storePasswordFile === undefined)) {
    throw new Error("Cannot use a user without a password: --store-user and --store-password-file go together");
  }
  if (storeUser === undefined || storePasswordFile === undefined) return undefined;
  const password = await readGiven("--store-password-file", storePasswordFile);
  return { name: storeUser, password: password.replace(/\r?\n$/, "") };
}

async function readGiven(option: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const hint = error instanceof Deno.errors.NotCapable
      ? "processes of --split may not read it; start the cluster with the launcher (./chartroom up)"
      : (error as Error).message;
    throw new Error(`Cannot read ${option} ${path}: ${hint}`);
  }
}

function refuseRest({ store: _, ...rest }: StoreOptions): void {
  const names = {
    storeCa: "--store-ca",
    storeCert: "--store-cert",
    storeKey: "--store-key",
    storeUser: "--store-user",
    storePasswordFile: "--store-password-file",
  } as const;
  for (const [key, option] of Object.entries(names)) {
    if (rest[key as keyof typeof rest] !== undefined) throw new Error(`Cannot use ${option} without --store`);
  }
}

async function hasOwnStore(state: ClusterState): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(state.path("store"))) return true;
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
