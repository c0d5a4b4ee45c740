/** Wires the inspector: the hub over this process' actors, the page's files, and who may look. */
import { Hub } from "../actors/inspection/inspection_hub.ts";
import type { InspectionSource } from "../actors/inspection/inspection_source.ts";
import { SystemSource } from "../actors/inspection/system_source.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import { InspectorSessions } from "../http/inspector/inspector_sessions.ts";
import { type InspectorOptions, inspectorRoutes, openInspectorRoutes } from "../http/inspector/inspector_routes.ts";
import type { Authenticator, Authorizer } from "../http/machinery/types.ts";
import type { createApp } from "../http/app.ts";
import { pageAsset } from "./inspector_page.ts";

export interface InspectorSettings {
  readonly system: ActorSystem;
  readonly cluster: string;
  /** The process' name: `master-0`. */
  readonly name: string;
  readonly authorizer: Authorizer;
  /** Whether events may be sent to actors (`up --inspect-send`). */
  readonly maySend?: boolean;
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
  stop(): void;
}

export function startInspector({ system, cluster, name, authorizer, maySend = false }: InspectorSettings): Inspector {
  const { clock } = system;
  const hub = new Hub({ clock, cluster, session: realRandom.uuid().slice(0, 8), maySend });
  hub.add(new SystemSource({ system, name }));
  const sessions = new InspectorSessions({ clock, bytes: (count) => realRandom.bytes(count) });
  const options: InspectorOptions = { hub, sessions, authorizer, clock, asset: pageAsset };
  return {
    hub,
    authenticator: (inner) => sessions.authenticator(inner),
    open: (app) => openInspectorRoutes(app, options),
    extend: (app) => inspectorRoutes(app, options),
    add: (source) => hub.add(source),
    stop: () => hub.stop(),
  };
}
