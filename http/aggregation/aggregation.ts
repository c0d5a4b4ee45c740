/**
 * Requests for what other API servers provide (kube-aggregator): handed on under the name of whoever asks, when the
 * server is there, and answered with 503 when it is not.
 */
import tls from "node:tls";
import type { Context } from "hono";
import type { AppEnvironment } from "../app.ts";
import type { Api } from "../machinery/api.ts";
import { aggregatedDiscovery, apiGroup, apiGroupList } from "../machinery/discovery.ts";
import { wantsAggregatedDiscovery } from "../machinery/negotiation.ts";
import { requestInfo } from "../machinery/request_info.ts";
import { jsonResponse } from "../machinery/responses.ts";
import type { UserInfo } from "../machinery/types.ts";
import { sha256 } from "../machinery/sha256.ts";
import { answered, type ServerEnvironment, type UpgradeOffer } from "../server.ts";
import { bodyOf, passOn, requestHead, splice, withheld } from "../streaming/relay.ts";
import { fields } from "../resources/fields.ts";
import type { ApiServices, Provided } from "./api_services.ts";
import { type ExtensionClient, remoteHeaders } from "./extension_client.ts";
import { mergedDiscovery, mergedGroup, mergedGroupList } from "./merged_discovery.ts";

/** Of one connection, not of what is carried over it. */
const hopByHop =
  /^(connection|keep-alive|proxy-authenticate|proxy-authorization|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

export class Aggregation {
  constructor(
    readonly api: Api,
    readonly services: ApiServices,
    readonly extension: ExtensionClient,
  ) {}

  /** While it is, nobody has to ask. */
  get isEmpty(): boolean {
    return this.services.isEmpty;
  }

  /** The answer to what concerns other servers; undefined: it is this server's own. @throws ApiError 403 */
  async answer(c: Context<AppEnvironment>): Promise<Response | undefined> {
    const { path } = c.req;
    const provided = this.#providerOf(path);
    const isMerged = provided === undefined && this.#isMerged(path);
    if (provided === undefined && !isMerged) return undefined;
    const { user } = c.var;
    await this.api.authorize({ ...requestInfo(c.req.method, path, new URL(c.req.url).searchParams), user });
    return provided === undefined ? await this.#merged(c) : await this.#handOn(c, provided, user);
  }

  /** `/apis/GROUP/VERSION` and below, and its OpenAPI document. */
  #providerOf(path: string): Provided | undefined {
    const match = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)(?:\/|$)/.exec(path);
    return match === null ? undefined : this.services.find(match[1]!, match[2]!);
  }

  #isMerged(path: string): boolean {
    if (path === "/apis" || path === "/openapi/v3") return true;
    const group = /^\/apis\/([^/]+)\/?$/.exec(path)?.[1];
    return group !== undefined && this.services.all().some(({ service }) => service.spec.group === group);
  }

  async #merged(c: Context<AppEnvironment>): Promise<Response> {
    const { registry, schema } = this.api;
    const all = this.services.all();
    if (c.req.path === "/openapi/v3") {
      const own = fields(await schema.openapiV3Index());
      const paths = Object.fromEntries(
        all.filter(({ isAvailable }) => isAvailable).map(({ service: { spec, metadata } }) => {
          const path = `apis/${spec.group ?? ""}/${spec.version}`;
          const hash = sha256(`${metadata.uid}/${metadata.resourceVersion}`).toHex().toUpperCase();
          return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
        }),
      );
      return jsonResponse(c, { ...own, paths: { ...fields(own["paths"]), ...paths } });
    }
    if (c.req.path !== "/apis") {
      const name = c.req.path.split("/")[2]!;
      return jsonResponse(c, mergedGroup(apiGroup(registry, name), name, all));
    }
    return wantsAggregatedDiscovery(c.req.header("accept") ?? "")
      ? jsonResponse(c, mergedDiscovery(aggregatedDiscovery(registry, false), all))
      : jsonResponse(c, mergedGroupList(apiGroupList(registry), all));
  }

  async #handOn(c: Context<AppEnvironment>, provided: Provided, user: UserInfo): Promise<Response> {
    if (!provided.isAvailable) return unavailable("service unavailable");
    const environment: Partial<ServerEnvironment> = c.env ?? {};
    const url = c.req.url;
    const path = url.slice(url.indexOf("/", url.indexOf("//") + 2));
    try {
      if (environment.upgrade !== undefined) return await this.#upgrade(environment.upgrade, provided, path, user);
      const headers: Record<string, string | string[]> = { ...remoteHeaders(user) };
      for (const [name, value] of c.req.raw.headers) {
        if (!hopByHop.test(name) && !withheld.test(name) && name !== "content-length") headers[name] = value;
      }
      const hasBody = c.req.method !== "GET" && c.req.method !== "HEAD";
      const body = hasBody ? new Uint8Array(await c.req.raw.arrayBuffer()) : undefined;
      const asked = { method: c.req.method, path, headers, ...(body === undefined ? {} : { body }) };
      const reply = await this.extension.ask(provided.service, asked, (giveUp) => environment.raw?.onClose(giveUp));
      const kept: Record<string, string | string[]> = {};
      for (const [name, value] of Object.entries(reply.headers)) {
        if (value !== undefined && !hopByHop.test(name)) kept[name] = value;
      }
      const { raw } = environment;
      if (raw === undefined) {
        const flat = Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, String(value)]));
        return new Response(bodyOf(reply), { status: reply.statusCode ?? 502, headers: flat });
      }
      raw.begin(reply.statusCode ?? 502, kept);
      passOn(reply, raw);
      return answered;
    } catch (error) {
      return unavailable((error as Error).message);
    }
  }

  async #upgrade(offer: UpgradeOffer, { service }: Provided, path: string, user: UserInfo): Promise<Response> {
    const { host, port } = await this.extension.endpoint(service);
    const upstream = tls.connect({ host, port, ALPNProtocols: ["http/1.1"], ...this.extension.trust(service) });
    await new Promise<void>((resolve, reject) => {
      upstream.once("secureConnect", () => resolve());
      upstream.once("error", reject);
    });
    upstream.setNoDelay(true);
    const remote = Object.entries(remoteHeaders(user)).flatMap(([name, value]) =>
      [value].flat().map((each) => `${name}: ${each.replace(/[\r\n]/g, "")}`)
    );
    upstream.write(
      requestHead(offer, path, `${host}:${port}`).replace(/\r\n\r\n$/, `\r\n${remote.join("\r\n")}\r\n\r\n`),
    );
    const { socket, head } = offer.take();
    splice(socket, upstream, head);
    return answered;
  }
}

/** kube-aggregator says it in plain text. */
function unavailable(why: string): Response {
  return new Response(`${why}\n`, { status: 503, headers: { "content-type": "text/plain; charset=utf-8" } });
}
