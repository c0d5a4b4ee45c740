/** An API over a store in memory, with everybody allowed everything, for tests of the machinery. */
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import { createApp } from "../../../http/app.ts";
import { type Api, createApi } from "../../../http/machinery/api.ts";
import type { SchemaAccess } from "../../../http/machinery/schema_access.ts";
import type { AdmissionPlugin, Resource, UserInfo } from "../../../http/machinery/types.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { acceptWatchSocket } from "../../../http/streaming/watch_socket.ts";
import { MemoryStorage } from "./memory_storage.ts";

export const admin: UserInfo = { name: "admin", uid: "admin", groups: ["system:masters", "system:authenticated"] };

export function testResources(): readonly Resource[] {
  return createResources();
}

export interface TestApi {
  readonly api: Api;
  readonly storage: MemoryStorage;
  readonly clock: ManualClock;
  readonly app: ReturnType<typeof createApp>;
  request(path: string, init?: RequestInit): Promise<Response>;
  stop(): void;
}

const schema = loadSchema();

export async function testApi(
  options: {
    admission?: readonly AdmissionPlugin[];
    resources?: readonly Resource[];
    allow?: string[];
    schema?: Partial<SchemaAccess>;
  } = {},
): Promise<TestApi> {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  const api = createApi({
    storage,
    clock,
    random: new SimulatedRandom(1),
    resources: options.resources ?? testResources(),
    schema: { ...schema, ...options.schema },
    authorizer: {
      authorize: ({ user }) => ({
        allowed: options.allow === undefined || options.allow.includes(user.name),
        reason: "",
      }),
    },
    admission: options.admission ?? [],
  });
  await api.start();
  const ping = { name: "ping", check: () => undefined };
  const app = createApp({
    api,
    authenticator: {
      authenticate: ({ headers }) => Promise.resolve({ ...admin, name: headers.get("x-user") ?? admin.name }),
    },
    serverAddress: "192.0.2.2:16443",
    health: { livez: [ping], readyz: [ping] },
    acceptWatch: acceptWatchSocket,
  });
  return {
    api,
    storage,
    clock,
    app,
    request: async (path, init) => await app.request(path, init),
    stop: () => api.close(),
  };
}
