/** postStart and preStop hooks, and the HTTP calls that hooks and probes make. */
import https from "node:https";
import type { Container } from "../../machines/objects/object.ts";
import type { ContainerRecord, PodRecord } from "./pod_record.ts";
import type { KubeletWorld } from "./world.ts";

type Handler = NonNullable<NonNullable<Container["lifecycle"]>["postStart"]>;
type HttpGet = NonNullable<NonNullable<Container["livenessProbe"]>["httpGet"]>;

const mostBodyBytes = 10_240;
const hookTimeoutMs = 30_000;

/** A hook or a probe was carried out and said no; the text is what people read in the event. */
export class Refused extends Error {
  override name = "Refused";
}

/** @throws Refused with what the hook said. */
export async function runHook(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  handler: Handler,
  signal: AbortSignal,
): Promise<void> {
  if (world.options.standIn !== undefined && handler.sleep === undefined) return;
  if (handler.exec !== undefined) {
    const { exitCode, output } = await execute(world, container, handler.exec.command ?? [], signal);
    if (exitCode !== 0) {
      throw new Refused(`command '${(handler.exec.command ?? []).join(" ")}' exited with ${exitCode}: ${output}`);
    }
  } else if (handler.httpGet !== undefined) {
    const action = handler.httpGet;
    const { status } = await withTimeout(
      world,
      hookTimeoutMs,
      signal,
      (limited) => httpGet(record, container, action, limited),
    );
    if (status < 200 || status >= 400) throw new Refused(`HTTP hook was answered with status ${status}`);
  } else if (handler.sleep !== undefined) {
    await sleep(world, handler.sleep.seconds * 1000, signal);
  } else {
    throw new Error("Cannot run hook: it names no action that is known");
  }
}

/** Runs `work` with a signal that is given when `signal` is or when the time is over. */
export async function withTimeout<T>(
  world: KubeletWorld,
  milliseconds: number,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock } = world.system;
  const tooLate = new AbortController();
  const wake = clock.wakeAt(clock.now() + milliseconds, () => tooLate.abort(new Refused("context deadline exceeded")));
  try {
    return await work(AbortSignal.any([signal, tooLate.signal]));
  } catch (error) {
    throw tooLate.signal.aborted && !signal.aborted ? tooLate.signal.reason : error;
  } finally {
    wake.cancel();
  }
}

function sleep(world: KubeletWorld, milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock } = world.system;
  const wake = clock.wakeAt(clock.now() + milliseconds, resolve);
  signal.addEventListener("abort", () => {
    wake.cancel();
    resolve();
  }, { once: true });
  return promise;
}

/** Runs a command in the container and collects the beginning of what it says. */
export async function execute(
  world: KubeletWorld,
  container: ContainerRecord,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  const { run } = container;
  if (run === undefined) throw new Error("Cannot run a command: the container does not run");
  const process = await world.runtime.exec(run.id, { command });
  const abort = () => process.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const [stdout, stderr, { exitCode }] = await Promise.all([
      collect(process.stdout),
      collect(process.stderr),
      process.exit,
    ]);
    signal.throwIfAborted();
    return { exitCode, output: stdout + stderr };
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) if (text.length < mostBodyBytes) text += decoder.decode(bytes, { stream: true });
  return text;
}

/** A number, or the name of one of the container's ports. */
export function portOf(container: ContainerRecord, port: number | string): number {
  if (typeof port === "number") return port;
  const named = container.spec.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(named)) throw new Error(`Cannot find port "${port}" of container "${container.name}"`);
  return named;
}

export async function httpGet(
  record: PodRecord,
  container: ContainerRecord,
  action: HttpGet,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const host = action.host || record.podIPs[0] || "127.0.0.1";
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  const path = (action.path ?? "/").replace(/^(?!\/)/, "/");
  const url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${portOf(container, action.port)}${path}`;
  const headers = new Headers({ "user-agent": "kube-probe/1.36", accept: "*/*" });
  for (const { name, value } of action.httpHeaders ?? []) headers.append(name, value);
  if (scheme === "https") return await unverifiedGet(url, headers, signal);
  try {
    const response = await fetch(url, { headers, signal, redirect: "manual" });
    return { status: response.status, body: (await response.text()).slice(0, mostBodyBytes) };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Refused(`Get "${url}": ${dialError(url, error)}`);
  }
}

/** What people know from other clients, for the failure that they meet most. */
export function dialError(url: string, error: unknown): string {
  const { hostname, port } = new URL(url);
  const said = error instanceof Error ? `${error.message} ${(error.cause as Error | undefined)?.message ?? ""}` : "";
  return /refused/i.test(said) ? `dial tcp ${hostname}:${port}: connect: connection refused` : said.trim();
}

/** Kubernetes checks no certificates here: pods have their own, for names that nobody knows. */
function unverifiedGet(url: string, headers: Headers, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const options = { headers: Object.fromEntries(headers), signal, rejectUnauthorized: false, agent: false as const };
  const request = https.get(url, options, (response) => {
    let body = "";
    response.on("data", (piece) => {
      if (body.length < mostBodyBytes) body += piece;
    });
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    response.on("error", reject);
  });
  request.on("error", reject);
  return promise;
}
