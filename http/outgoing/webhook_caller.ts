/**
 * Calls those who decide or convert for the API server: an object is posted, an object comes back (Kubernetes docs,
 * "Dynamic Admission Control": contacting the webhook; the same for conversion).
 */
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { goNetworkError } from "./go_error.ts";
import { NoEndpoint, serviceEndpoint, type ServiceReference } from "./service_endpoint.ts";

/** Where it is reached; one of `url` and `service`. */
export interface ClientConfig {
  readonly url?: string;
  readonly service?: ServiceReference & { readonly path?: string };
  /** PEM in base64; absent: what this host trusts. */
  readonly caBundle?: string;
}

/** Why there is no answer, in the words of Go's client. */
export class CallFailed extends Error {}

export interface WebhookCaller {
  /** The answer, parsed. @throws CallFailed */
  call(config: ClientConfig, body: unknown, timeoutSeconds: number): Promise<unknown>;
}

interface Target {
  /** What the request's URL is said to be. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly serverName: string;
  readonly hostHeader: string;
}

const largestAnswer = 16 * 1024 * 1024;

export function webhookCaller(
  { client, clock, random }: { client: ApiClient; clock: Clock; random: Pick<Random, "next"> },
): WebhookCaller {
  async function targetOf({ url, service }: ClientConfig, query: string): Promise<Target> {
    if (service !== undefined) {
      const { namespace, name, port = 443, path = "" } = service;
      const serverName = `${name}.${namespace}.svc`;
      const said = `https://${serverName}:${port}${path}${query}`;
      try {
        const endpoint = await serviceEndpoint(client, random, service);
        return {
          url: said,
          ...endpoint,
          path: `${path || "/"}${query}`,
          serverName,
          hostHeader: `${serverName}:${port}`,
        };
      } catch (error) {
        if (error instanceof NoEndpoint) throw new CallFailed(`Post ${JSON.stringify(said)}: ${error.message}`);
        throw error;
      }
    }
    const parsed = new URL(url ?? "");
    const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
    return {
      url: `${(url ?? "").replace(/[?#].*$/, "")}${query}`,
      host,
      port: parsed.port === "" ? 443 : Number(parsed.port),
      path: `${parsed.pathname}${query}`,
      serverName: host,
      hostHeader: parsed.host,
    };
  }

  return {
    async call(config, body, timeoutSeconds) {
      const target = await targetOf(config, `?timeout=${timeoutSeconds}s`);
      const ca = config.caBundle === undefined ? undefined : atob(config.caBundle);
      const text = await post(target, ca, JSON.stringify(body), timeoutSeconds);
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new CallFailed(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
      }
    },
  };

  function post(target: Target, ca: string | undefined, body: string, timeoutSeconds: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const failed = (why: string) => reject(new CallFailed(`Post ${JSON.stringify(target.url)}: ${why}`));
    const bytes = new TextEncoder().encode(body);
    const sent = https.request({
      host: target.host,
      port: target.port,
      method: "POST",
      path: target.path,
      agent: false,
      headers: {
        host: target.hostHeader,
        "content-type": "application/json",
        "content-length": String(bytes.length),
        accept: "application/json, */*",
        "user-agent": "kube-apiserver-admission",
      },
      ...(ca === undefined ? {} : { ca }),
      // A name, where it is one: addresses are no server names.
      ...(/^[\d.]+$|:/.test(target.serverName) ? {} : { servername: target.serverName }),
    });
    const wake = clock.wakeAt(clock.now() + timeoutSeconds * 1000, () => {
      failed("context deadline exceeded");
      sent.destroy();
    });
    sent.on("error", (error: Error) => failed(goNetworkError(error, `${target.host}:${target.port}`)));
    sent.on("response", (reply: IncomingMessage) => {
      readAll(reply).then((text) => {
        const code = reply.statusCode ?? 0;
        if (code >= 200 && code < 300) resolve(text);
        else reject(new CallFailed(statusText(code, text)));
      }, (error: Error) => failed(error.message));
    });
    sent.end(bytes);
    return promise.finally(() => wake.cancel());
  }
}

async function readAll(reply: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of reply) {
    length += (part as Uint8Array).length;
    if (length > largestAnswer) {
      reply.destroy();
      throw new CallFailed(`Cannot read the answer: it is larger than ${largestAnswer} bytes`);
    }
    parts.push(part as Uint8Array);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new TextDecoder().decode(whole);
}

/** client-go's words for an answer that is no success. */
function statusText(code: number, text: string): string {
  try {
    const status = JSON.parse(text) as { kind?: string; message?: string };
    if (status.kind === "Status" && status.message !== undefined) return status.message;
  } catch {
    // No Status: what is known is the code.
  }
  const known: Readonly<Record<number, string>> = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    403: text === "" ? "unknown" : text.trim(),
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
  };
  const said = text.trim().slice(0, 2048);
  return known[code] ??
    `an error on the server (${
      JSON.stringify(said === "" ? "unknown" : said)
    }) has prevented the request from succeeding`;
}
