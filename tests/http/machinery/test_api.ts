/** An API over a store in memory, with everybody allowed everything, for tests of the machinery. */
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { SimulatedRandom } from "../../../actors/simulated/simulated_random.ts";
import { createApp } from "../../../http/app.ts";
import { type Api, createApi } from "../../../http/machinery/api.ts";
import type { AdmissionPlugin, Resource, UserInfo } from "../../../http/machinery/types.ts";
import { row, statusSubresource } from "../../../http/resources/row.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { MemoryStorage } from "./memory_storage.ts";

export const admin: UserInfo = { name: "admin", uid: "admin", groups: ["system:masters", "system:authenticated"] };

/** Rows that the tests need, where the table of built-in resources has none. */
const plainRows: readonly Resource[] = [
  row({ group: "", version: "v1", resource: "configmaps", kind: "ConfigMap", shortNames: ["cm"] }),
  row({
    group: "",
    version: "v1",
    resource: "secrets",
    kind: "Secret",
    strategy: {
      selectableFields: { type: (object) => String(object.type ?? "") },
      setDefaults(object) {
        object.type ??= "Opaque";
        const plain = object.stringData as Record<string, string> | undefined;
        if (plain === undefined) return;
        const encoded = Object.entries(plain).map(([key, value]) => [key, btoa(value)]);
        object.data = { ...(object.data as object | undefined), ...Object.fromEntries(encoded) };
        delete object.stringData;
      },
    },
  }),
  row({
    group: "",
    version: "v1",
    resource: "namespaces",
    kind: "Namespace",
    namespaced: false,
    subresources: { status: statusSubresource, finalize: { verbs: ["update"] } },
    verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
    strategy: { hasGeneration: false },
  }),
  row({
    group: "",
    version: "v1",
    resource: "nodes",
    kind: "Node",
    namespaced: false,
    subresources: { status: statusSubresource },
    strategy: { hasGeneration: false },
  }),
  row({
    group: "coordination.k8s.io",
    version: "v1",
    resource: "leases",
    kind: "Lease",
    strategy: { hasGeneration: false, allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  }),
];

export function testResources(): Resource[] {
  const built = createResources();
  const have = new Set(built.map(({ group, resource }) => `${group}/${resource}`));
  return [...built, ...plainRows.filter(({ group, resource }) => !have.has(`${group}/${resource}`))];
}

export interface TestApi {
  readonly api: Api;
  readonly storage: MemoryStorage;
  readonly clock: ManualClock;
  request(path: string, init?: RequestInit): Promise<Response>;
  stop(): void;
}

const schema = loadSchema();

export async function testApi(
  options: { admission?: readonly AdmissionPlugin[]; resources?: readonly Resource[]; allow?: string[] } = {},
): Promise<TestApi> {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  const api = createApi({
    storage,
    clock,
    random: new SimulatedRandom(1),
    resources: options.resources ?? testResources(),
    schema,
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
  });
  return {
    api,
    storage,
    clock,
    request: async (path, init) => await app.request(path, init),
    stop: () => api.close(),
  };
}
