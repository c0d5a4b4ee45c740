/**
 * The kubelet's own HTTPS server: logs, exec, attach and port-forward of the pods on its node. The API server authorizes
 * and passes connections through; whoever else comes needs a certificate that `allows` likes. All protocol work is here.
 */
import { Hono } from "hono";
import { ApiError } from "../../machines/objects/status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContainerTarget, NodeStreams, ProcessOptions } from "../../ports/node_streams.ts";
import { badRequest } from "../machinery/errors.ts";
import type { Credentials } from "../machinery/types.ts";
import { answered, type ListenAddress, serve, type Server, type ServerEnvironment } from "../server.ts";
import { acceptPortForward } from "../streaming/port_forward.ts";
import { acceptRemoteCommand } from "../streaming/remote_command.ts";
import { isTrue, logOptions } from "./log_options.ts";
import { runCommand } from "./run_command.ts";

export interface KubeletServerOptions {
  readonly addresses: readonly ListenAddress[];
  /** PEM: the node's serving certificate. */
  readonly certificate: string;
  readonly key: string;
  /** PEM: signs the API server's client certificate. */
  readonly clientCertificateAuthority: string;
  readonly streams: NodeStreams;
  /** Whose certificate is let in. Default: the API server's, and `system:masters`. */
  readonly allows?: (certificate: NonNullable<Credentials["clientCertificate"]>) => boolean;
  /** Limits how long a client may take to open the streams it asked for; without it there is no limit. */
  readonly clock?: Clock;
  onError?(error: unknown): void;
}

export function serveKubelet(options: KubeletServerOptions): Promise<Server> {
  const { addresses, certificate, key, clientCertificateAuthority, onError } = options;
  const app = kubeletApp(options);
  return serve({
    addresses,
    certificate,
    key,
    clientCertificateAuthority,
    ...(onError === undefined ? {} : { onError }),
    fetch: (request, environment) => app.fetch(request, environment),
  });
}

function isApiServer({ commonName, organizations }: NonNullable<Credentials["clientCertificate"]>): boolean {
  return commonName === "kube-apiserver-kubelet-client" || organizations.includes("system:masters");
}

type Environment = { Bindings: ServerEnvironment };

export function kubeletApp(
  options: Pick<KubeletServerOptions, "streams" | "allows" | "clock" | "onError">,
): Hono<Environment> {
  const { streams, allows = isApiServer, clock } = options;
  const onError = options.onError?.bind(options);
  const app = new Hono<Environment>();
  app.use(async (c, next) => {
    const { clientCertificate } = c.env.credentials;
    if (clientCertificate === undefined) throw new ApiError(401, "Unauthorized", "Unauthorized");
    if (!allows(clientCertificate)) {
      const user = JSON.stringify(clientCertificate.commonName);
      throw new ApiError(403, "Forbidden", `Forbidden (user=${user}, verb=get, resource=nodes, subresource=proxy)`);
    }
    await next();
  });
  app.get("/healthz", (c) => c.text("ok"));
  app.get("/pods", (c) => c.json({ kind: "PodList", apiVersion: "v1", metadata: {}, items: streams.pods() }));

  app.get("/containerLogs/:namespace/:pod/:container", async (c) => {
    const stop = new AbortController();
    const { raw } = c.env;
    raw.onClose(() => stop.abort());
    const target = targetOf(c.req.param());
    const log = await streams.logs(target, logOptions(new URL(c.req.url).searchParams), stop.signal);
    raw.begin(200, { "content-type": "text/plain", "cache-control": "no-cache, private" });
    await sendLog(log, c.env);
    return answered;
  });

  for (const path of ["/:namespace/:pod/:container", "/:namespace/:pod/:uid/:container"]) {
    app.on(["GET", "POST"], `/exec${path}`, async (c) => {
      const query = new URL(c.req.url).searchParams;
      const command = query.getAll("command");
      if (command.length === 0) throw badRequest("you must specify at least 1 command for the container");
      const options = processOptions(query);
      const target = targetOf(c.req.param());
      const remote = await acceptRemoteCommand(offered(c.env), options, clock);
      keep(runCommand(remote, () => streams.exec(target, command, options), "executing command in"), onError);
      return answered;
    });
    app.on(["GET", "POST"], `/attach${path}`, async (c) => {
      const options = processOptions(new URL(c.req.url).searchParams);
      const target = targetOf(c.req.param());
      const remote = await acceptRemoteCommand(offered(c.env), options, clock);
      keep(runCommand(remote, () => streams.attach(target, options), "attaching to"), onError);
      return answered;
    });
  }

  for (const path of ["/:namespace/:pod", "/:namespace/:pod/:uid"]) {
    app.on(["GET", "POST"], `/portForward${path}`, async (c) => {
      const { namespace, pod, uid } = targetOf({ container: "", ...c.req.param() });
      const target = { namespace, pod, ...(uid === undefined ? {} : { uid }) };
      const query = new URL(c.req.url).searchParams;
      await acceptPortForward(offered(c.env), query, (port) => streams.portForward(target, port), clock);
      return answered;
    });
  }

  app.notFound(() => new Response("404 page not found\n", { status: 404 }));
  app.onError((error) => {
    if (error instanceof ApiError) return Response.json(error.status, { status: error.code });
    onError?.(error);
    const { status } = new ApiError(500, "InternalError", `Internal error occurred: ${error.message}`);
    return Response.json(status, { status: 500 });
  });
  return app;
}

/** What goes on after the handler has returned. */
function keep(running: Promise<unknown>, onError: ((error: unknown) => void) | undefined): void {
  running.catch((error) => onError?.(error));
}

function offered({ upgrade }: ServerEnvironment) {
  if (upgrade === undefined) throw badRequest("Upgrade request required");
  return upgrade;
}

function targetOf(parameters: Partial<Record<string, string>>): ContainerTarget {
  const { namespace = "", pod = "", uid, container = "" } = parameters;
  return { namespace, pod, container, ...(uid === undefined ? {} : { uid }) };
}

function processOptions(query: URLSearchParams): ProcessOptions {
  const options = {
    stdin: isTrue(query.get("input")),
    stdout: isTrue(query.get("output")),
    stderr: isTrue(query.get("error")),
    tty: isTrue(query.get("tty")),
  };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  }
  return options;
}

/** A reader that is slower than the log holds it back. */
async function sendLog(log: ReadableStream<Uint8Array>, { raw }: ServerEnvironment): Promise<void> {
  const reader = log.getReader();
  raw.onClose(() => void reader.cancel().catch(() => {}));
  raw.onDraining(() => void reader.cancel().catch(() => {}));
  try {
    for (let chunk = await reader.read(); !chunk.done && !raw.closed; chunk = await reader.read()) {
      if (!raw.write(chunk.value) && !raw.closed) {
        await new Promise<void>((resolve) => {
          raw.onDrain(resolve);
          raw.onClose(resolve);
        });
      }
    }
    raw.end();
  } catch {
    // Half a log must not look like a whole one.
    raw.destroy();
  }
}
