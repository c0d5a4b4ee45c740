/** Wires the inspector: the hub over this process' actors, the page's files, and who may look. */
import { historyBound, HistoryRecorder } from "../actors/inspection/history_recorder.ts";
import { Hub } from "../actors/inspection/inspection_hub.ts";
import { SystemSource } from "../actors/inspection/system_source.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import { InspectorSessions } from "../http/inspector/inspector_sessions.ts";
import { inspectorRoutes, openInspectorRoutes } from "../http/inspector/inspector_routes.ts";
import type { Authenticator, Authorizer } from "../http/machinery/types.ts";
import type { createApp } from "../http/app.ts";
import type { ActorRow } from "../ports/inspection.ts";
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
  /** Where this very process is reached, when others answer at the cluster's address too. */
  readonly server?: string;
  readonly authorizer: Authorizer;
  /** Labels of the object that an actor looks after. */
  labels?(row: ActorRow): Readonly<Record<string, string>> | undefined;
  report(problem: string): void;
}

type Extend = NonNullable<Parameters<typeof createApp>[0]["extend"]>;

export interface Inspector {
  readonly hub: Hub;
  /** Whether administrators may send events to actors. */
  readonly maySend: boolean;
  /** Also knows who came with the page's cookie. */
  authenticator(inner: Authenticator): Authenticator;
  readonly open: Extend;
  readonly extend: Extend;
  stop(): Promise<void>;
}

export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const { system, cluster, state, name, server, authorizer, labels, report } = options;
  const { clock } = system;
  const wish = state === undefined ? {} : await readInspectionWish(state);
  const maySend = wish.send ?? false;
  const hub = new Hub({
    ...{ clock, cluster, session: realRandom.uuid().slice(0, 8), maySend },
    ...(labels === undefined ? {} : { labels }),
  });
  hub.add(new SystemSource({ system, name }));
  if (state !== undefined && wish.history !== undefined) {
    const files = await historyFiles(state.path("history", name));
    hub.history = new HistoryRecorder(hub, files, historyBound(wish.history), report);
  }
  const sessions = new InspectorSessions({ clock, bytes: (count) => realRandom.bytes(count) });
  const routes = { hub, sessions, authorizer, clock, asset: pageAsset, ...(server === undefined ? {} : { server }) };
  return {
    hub,
    maySend,
    authenticator: (inner) => sessions.authenticator(inner),
    open: (app) => openInspectorRoutes(app, routes),
    extend: (app) => inspectorRoutes(app, routes),
    async stop() {
      await hub.history?.stop();
      hub.stop();
    },
  };
}
