/** Wires the inspector: the hub over this process' actors, the page's files, and who may look. */
import { historyBound, HistoryRecorder } from "../actors/inspection/history_recorder.ts";
import { Hub } from "../actors/inspection/inspection_hub.ts";
import type { InspectionSource } from "../actors/inspection/inspection_source.ts";
import { SystemSource } from "../actors/inspection/system_source.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import { InspectorSessions } from "../http/inspector/inspector_sessions.ts";
import { inspectorRoutes, openInspectorRoutes } from "../http/inspector/inspector_routes.ts";
import type { Authenticator, Authorizer } from "../http/machinery/types.ts";
import type { createApp } from "../http/app.ts";
import type { ClusterState } from "./cluster_state.ts";
import { historyFiles } from "./history_files.ts";
import { readInspectionWish } from "./inspection_wish.ts";
import { pageAsset } from "./inspector_page.ts";

export interface InspectorOptions {
  readonly system: ActorSystem;
  readonly cluster: string;
  /** Where `up` has noted what was asked for, and where history is kept. */
  readonly state?: ClusterState;
  /** The process' name: `master-0`. */
  readonly name: string;
  readonly authorizer: Authorizer;
  report(problem: string): void;
}

type Extend = NonNullable<Parameters<typeof createApp>[0]["extend"]>;

export interface Inspector {
  readonly hub: Hub;
  /** Also knows who came with the page's cookie. */
  authenticator(inner: Authenticator): Authenticator;
  readonly open: Extend;
  readonly extend: Extend;
  /** Another process whose actors are shown. */
  add(source: InspectionSource): void;
  stop(): Promise<void>;
}

export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const { system, cluster, state, name, authorizer, report } = options;
  const { clock } = system;
  const wish = state === undefined ? {} : await readInspectionWish(state);
  const hub = new Hub({ clock, cluster, session: realRandom.uuid().slice(0, 8), maySend: wish.send ?? false });
  hub.add(new SystemSource({ system, name }));
  if (state !== undefined && wish.history !== undefined) {
    const files = await historyFiles(state.path("history", name));
    hub.history = new HistoryRecorder(hub, files, historyBound(wish.history), report);
  }
  const sessions = new InspectorSessions({ clock, bytes: (count) => realRandom.bytes(count) });
  const routes = { hub, sessions, authorizer, clock, asset: pageAsset };
  return {
    hub,
    authenticator: (inner) => sessions.authenticator(inner),
    open: (app) => openInspectorRoutes(app, routes),
    extend: (app) => inspectorRoutes(app, routes),
    add: (source) => hub.add(source),
    async stop() {
      await hub.history?.stop();
      hub.stop();
    },
  };
}
