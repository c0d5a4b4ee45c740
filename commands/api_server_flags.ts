/**
 * What was said of the API server when a cluster was brought up, or a master joined; its processes read it from the
 * state. It is said anew with every `up`, as kube-apiserver is given its options.
 */
import { dirname, resolve } from "node:path";
import { flagRows } from "./api_server_flags_table.ts";
import type { ClusterState } from "./cluster_state.ts";

/** By the options' names. */
export type ApiServerFlags = Readonly<Record<string, string | number | boolean | readonly string[]>>;

const file = "api_server.json";
/** What a cluster's encryption at rest is like, unless an option names another file. */
export const ownEncryption = "encryption.yaml";

/** Of all that a command was given the API server's part, with absolute paths. */
export function apiServerFlags(given: object): ApiServerFlags {
  const flags: Record<string, ApiServerFlags[string]> = {};
  for (const { flag, kind } of flagRows) {
    const value = (given as Record<string, unknown>)[camelCase(flag)];
    if (value === undefined) continue;
    const isPath = kind === "file" || kind === "log";
    flags[flag] = isPath ? resolve(value as string) : value as ApiServerFlags[string];
  }
  return flags;
}

function camelCase(flag: string): string {
  return flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** @throws Error when something that was said cannot be, before anything is started. */
export async function noteApiServerFlags(state: ClusterState, given: object): Promise<void> {
  const flags = apiServerFlags(given);
  if (Object.keys(flags).length > 0) {
    const { checkApiServerFlags } = await import("./check_api_server_flags.ts");
    await checkApiServerFlags(flags, state);
  }
  await Deno.writeTextFile(state.path(file), `${JSON.stringify(flags, null, 2)}\n`, { mode: 0o600 });
}

export async function readApiServerFlags(state: ClusterState): Promise<ApiServerFlags> {
  try {
    return JSON.parse(await Deno.readTextFile(state.path(file))) as ApiServerFlags;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** What the API server reads besides the state. */
export function filesOf(flags: ApiServerFlags): string[] {
  return flagRows.filter(({ kind }) => kind === "file").flatMap(({ flag }) => textOf(flags, flag) ?? []);
}

/** Where the keys of encryption at rest are. */
export function keysOf(state: ClusterState, flags: ApiServerFlags): string[] {
  const given = textOf(flags, "encryption-provider-config");
  return [state.path(ownEncryption), ...given === undefined ? [] : [given]];
}

/** Where it writes besides the state. */
export function logsOf(flags: ApiServerFlags): string[] {
  return flagRows.filter(({ kind }) => kind === "log").flatMap(({ flag }) => {
    const path = textOf(flags, flag);
    return path === undefined ? [] : [dirname(path)];
  });
}

export function textOf(flags: ApiServerFlags, flag: string): string | undefined {
  const value = flags[flag];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(flags: ApiServerFlags, flag: string, otherwise: number): number {
  const value = flags[flag];
  return typeof value === "number" ? value : otherwise;
}

/** A file that an option names. @throws Error saying so when it cannot be read. */
export async function readNamed(flags: ApiServerFlags, flag: string): Promise<string | undefined> {
  const path = textOf(flags, flag);
  if (path === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`Cannot read --${flag} ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** What is made of such a file. @throws Error that says which one cannot be used, and why. */
export async function understood<T>(flags: ApiServerFlags, flag: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Error(`Cannot use --${flag} ${textOf(flags, flag)}: ${(error as Error).message}`, { cause: error });
  }
}
