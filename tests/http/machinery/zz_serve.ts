import { realClock } from "../../../actors/real/real_clock.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import { createApp } from "../../../http/app.ts";
import { createApi } from "../../../http/machinery/api.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { MemoryStorage } from "./memory_storage.ts";
const api = createApi({
  storage: new MemoryStorage(),
  clock: realClock,
  random: realRandom,
  resources: createResources(),
  schema: loadSchema(),
  authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
  admission: [],
});
await api.start();
const app = createApp({
  api,
  authenticator: { authenticate: () => Promise.resolve({ name: "admin", groups: ["system:masters"] }) },
  serverAddress: "127.0.0.1",
  health: { livez: [], readyz: [] },
});
Deno.serve({ port: 18080, hostname: "127.0.0.1" }, async (r) => {
  const s = await app.fetch(r, {});
  if (Deno.env.get("LOG")) console.log(r.method, r.url, s.status);
  return s;
});
