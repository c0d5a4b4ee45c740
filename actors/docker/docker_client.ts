/** The parts of dockerode that are used, typed, and its errors as the port's. dockerode is loaded when it is first needed. */
import { RuntimeError } from "../../ports/container_runtime.ts";
import type { NodeStream } from "./streams.ts";

export interface DockerInspect {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly Created: string;
  readonly Config: { readonly Labels: Record<string, string> | null; readonly Tty: boolean };
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
}

export interface DockerImage {
  readonly Id: string;
  readonly RepoTags: string[] | null;
  readonly RepoDigests: string[] | null;
  readonly Size: number;
  readonly Config?: { readonly User?: string; readonly StopSignal?: string };
}

export interface DockerExec {
  start(options: object): Promise<NodeStream>;
  resize(size: { h: number; w: number }): Promise<unknown>;
  inspect(): Promise<{ readonly ExitCode: number | null; readonly Running: boolean }>;
}

export interface DockerContainer {
  start(options?: object): Promise<unknown>;
  stop(options: object): Promise<unknown>;
  kill(options: object): Promise<unknown>;
  remove(options: object): Promise<unknown>;
  inspect(): Promise<DockerInspect>;
  logs(options: object): Promise<NodeStream>;
  exec(options: object): Promise<DockerExec>;
  attach(options: object): Promise<NodeStream>;
  resize(size: { h: number; w: number }): Promise<unknown>;
  stats(options: object): Promise<Record<string, unknown>>;
}

export interface Docker {
  info(): Promise<Record<string, unknown>>;
  version(): Promise<Record<string, unknown>>;
  createContainer(body: object): Promise<{ readonly id: string }>;
  getContainer(id: string): DockerContainer;
  listContainers(options: object): Promise<{ readonly Id: string }[]>;
  getImage(name: string): { inspect(): Promise<DockerImage>; remove(options?: object): Promise<unknown> };
  listImages(): Promise<DockerImage[]>;
  pull(reference: string, options: object): Promise<NodeStream>;
  loadImage(archive: unknown, options?: object): Promise<NodeStream>;
  getEvents(options: object): Promise<NodeStream>;
}

let loaded: Promise<{ default: new (options: object) => Docker }> | undefined;

export async function connectDocker(socketPath: string): Promise<Docker> {
  loaded ??= import("dockerode") as unknown as Promise<{ default: new (options: object) => Docker }>;
  const { default: Dockerode } = await loaded;
  return new Dockerode({ socketPath });
}

/** dockerode's errors carry the HTTP status and the engine's text in `json.message`. */
export function asRuntimeError(doing: string, thrown: unknown): RuntimeError {
  if (thrown instanceof RuntimeError) return thrown;
  const error = thrown as Error & { statusCode?: number; json?: { message?: string }; code?: string };
  const said = error.json?.message ?? error.message ?? String(thrown);
  const code = error.statusCode === 404
    ? "notFound"
    : error.statusCode === 409
    ? "conflict"
    : error.statusCode === undefined
    ? "unreachable"
    : "refused";
  return new RuntimeError(code, `Cannot ${doing}: ${said}`, { cause: thrown });
}
