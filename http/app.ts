/**
 * The API server's HTTP side, one Hono app: who asks, what is asked, and in which form the answer goes back. Listening is
 * `server.ts`; what is done with a request is `machinery/api.ts`.
 */
import { type Context, Hono } from "hono";
import type { Aggregation } from "./aggregation/aggregation.ts";
import type { FlowControl } from "./flow_control/flow_control.ts";
import { unauthorized } from "./auth/authentication.ts";
import type { Api } from "./machinery/api.ts";
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  groupsOf,
} from "./machinery/discovery.ts";
import { unknownResource } from "./machinery/errors.ts";
import { type Health, healthResponse } from "./machinery/health.ts";
import { InFlight } from "./machinery/in_flight.ts";
import { Metrics } from "./machinery/metrics.ts";
import { wantsAggregatedDiscovery } from "./machinery/negotiation.ts";
import { openapiRoutes } from "./machinery/openapi_routes.ts";
import { requestInfo } from "./machinery/request_info.ts";
import {
  type ConnectStream,
  errorResponse,
  jsonResponse,
  notFoundPage,
  resourceResponse,
  type Serving,
} from "./machinery/responses.ts";
import type { Authenticator, UserInfo } from "./machinery/types.ts";
import { version } from "./machinery/version.ts";
import type { ServerEnvironment } from "./server/environment.ts";

export interface AppOptions {
  readonly api: Api;
  readonly authenticator: Authenticator;
  /** Host and port that clients in the cluster are told. */
  readonly serverAddress: string;
  readonly health: Health;
  /** Carries out what is not answered with an object: exec, attach, port-forward, logs, proxies. */
  readonly connect?: ConnectStream;
  /** Turns the connection of a watch into a WebSocket; absent: watches are streams only. */
  readonly acceptWatch?: Serving["acceptWatch"];
  /** Whether nobody in particular may ask at a path. Default: at all of them. */
  readonly allowsAnonymous?: (path: string) => boolean;
  /** The user a request acts as, by its `Impersonate-*` headers. @throws ApiError 403 when that is not allowed. */
  readonly impersonate?: (user: UserInfo, headers: Headers) => Promise<UserInfo>;
  /** Told of an error that is a bug: clients read a bare 500. Default: the console. */
  readonly report?: (error: unknown) => void;
  /** Who waits for whom. Absent: requests are limited by their number alone. */
  readonly flowControl?: FlowControl;
  /** What other API servers provide under this one's name. */
  readonly aggregation?: Aggregation;
  /** Further lines for `/metrics`. */
  readonly metrics?: () => readonly string[];
  /** More routes (service account issuer discovery, inspector). They are behind authentication and authorization. */
  readonly extend?: (app: Hono<AppEnvironment>) => void;
  /** Routes that are open to everybody: the files of the inspector's page, and how it logs in. */
  readonly open?: (app: Hono<AppEnvironment>) => void;
}

export interface AppEnvironment {
  /** All of it is optional, so that tests can call `app.request`. */
  Bindings: Partial<ServerEnvironment>;
  Variables: { user: UserInfo };
}

const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };

export function createApp(options: AppOptions): Hono<AppEnvironment> {
  const { api, health, serverAddress } = options;
  const { registry } = api;
  const metrics = new Metrics();
  const report = options.report ?? ((error: unknown) => console.error(error));
  const serving = {
    api,
    metrics,
    inFlight: new InFlight(api.clock),
    flows: options.flowControl,
    report,
    connect: options.connect,
    acceptWatch: options.acceptWatch,
  };
  const app = new Hono<AppEnvironment>();

  app.use(async (c, next) => {
    c.set("user", await userOf(options, c));
    const { aggregation } = options;
    const answer = aggregation === undefined || aggregation.isEmpty ? undefined : await aggregation.answer(c);
    if (answer !== undefined) return answer;
    await next();
  });
  app.all("/api/:version/:rest{[\\s\\S]+}", (c) => resourceResponse(serving, c));
  app.all("/apis/:group/:version/:rest{[\\s\\S]+}", (c) => resourceResponse(serving, c));

  options.open?.(app);
  // What follows is no resource: allowed by path.
  app.use(async (c, next) => {
    const { user } = c.var;
    const info = requestInfo(c.req.method, c.req.path, new URLSearchParams());
    await api.authorize({ ...info, user }, c.env?.audit?.trail);
    await next();
  });
  app.get("/", (c) => jsonResponse(c, { paths: paths(api) }));
  app.get("/version", (c) => jsonResponse(c, version));
  app.get("/metrics", (c) => c.text(metrics.text(api, options.metrics?.() ?? [])));
  for (const endpoint of ["healthz", "livez", "readyz"] as const) {
    app.get(`/${endpoint}/*`, async (c) => {
      const path = c.req.path.slice(endpoint.length + 2);
      return await healthResponse(endpoint, path, new URL(c.req.url).searchParams, health) ?? notFoundPage();
    });
  }
  app.get(
    "/api",
    (c) => jsonResponse(c, wantsAll(c) ? aggregatedDiscovery(registry, true) : apiVersions(serverAddress)),
  );
  app.get("/apis", (c) => jsonResponse(c, wantsAll(c) ? aggregatedDiscovery(registry, false) : apiGroupList(registry)));
  app.get("/api/:version", (c) => {
    const list = apiResourceList(registry, "", c.req.param("version"));
    return list === undefined ? notFoundPage() : jsonResponse(c, list);
  });
  app.get("/apis/:group", (c) => {
    const group = apiGroup(registry, c.req.param("group"));
    return group === undefined ? notFoundPage() : jsonResponse(c, group);
  });
  app.get("/apis/:group/:version", (c) => {
    const { group, version } = c.req.param();
    const list = apiResourceList(registry, group, version);
    if (list !== undefined) return jsonResponse(c, list);
    if (!registry.hasGroup(group)) return notFoundPage();
    throw unknownResource();
  });
  openapiRoutes(app, api.schema);
  options.extend?.(app);

  app.notFound(() => notFoundPage());
  app.onError((error, c) => errorResponse(c, error, { report, protobuf: api.schema.protobuf }));
  return app;
}

function wantsAll(c: Context): boolean {
  return wantsAggregatedDiscovery(c.req.header("accept") ?? "");
}

async function userOf(
  { authenticator, impersonate, allowsAnonymous }: AppOptions,
  c: Context<AppEnvironment>,
): Promise<UserInfo> {
  const credentials = c.env?.credentials ??
    { authorization: c.req.header("authorization"), clientCertificate: undefined, headers: c.req.raw.headers };
  const user = await authenticator.authenticate(credentials) ?? anonymous;
  if (user === anonymous && allowsAnonymous?.(c.req.path) === false) throw unauthorized();
  const audit = c.env?.audit;
  if (audit !== undefined) await audit.authenticated(user);
  if (impersonate === undefined || !asksToImpersonate(c)) return user;
  const impersonated = await impersonate(user, c.req.raw.headers);
  audit?.trail?.actsAs(impersonated);
  return impersonated;
}

const impersonation = /^impersonate-(user|group|uid|extra-.*)$/;

function asksToImpersonate(c: Context<AppEnvironment>): boolean {
  const sent = c.env?.headers ?? Object.fromEntries(c.req.raw.headers);
  for (const name in sent) if (name.charCodeAt(0) === 105 /* "i" */ && impersonation.test(name)) return true;
  return false;
}

/** Every path that is served, for `/`. */
function paths({ registry }: Api): string[] {
  const groups = groupsOf(registry).flatMap(({ group, versions }) => [
    `/apis/${group}`,
    ...versions.map((version) => `/apis/${group}/${version}`),
  ]);
  const fixed = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz"];
  return [...fixed, ...groups, "/version"].sort();
}
