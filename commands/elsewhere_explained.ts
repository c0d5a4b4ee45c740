/** What other processes say about an object: the API server asks the nodes' kubelets, as it does for logs, and masters. */
import https from "node:https";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { kubeletAddress } from "../http/streaming/pod_target.ts";
import type { Node } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { AskOthers, ExplainAnswer, ExplainedActor } from "./explain_routes.ts";
import type { OtherMaster } from "./inspected_processes.ts";

/** Whoever says nothing for so long is left out. */
const patienceMs = 3_000;

export interface ElsewhereOptions {
  readonly authority: string;
  readonly certificate: KeyPair;
  own(node: string): boolean;
  others(): readonly OtherMaster[];
}

export function elsewhereExplained(client: ApiClient, options: ElsewhereOptions): AskOthers {
  const { authority: ca, certificate: { certificate: cert, key } } = options;
  return async (query) => {
    const { items } = await client.list<Node>(resources.nodes);
    const asked = [
      ...items.filter(({ metadata }) => !options.own(metadata.name)).map((node) => ({
        name: node.metadata.name,
        place: () => kubeletAddress(node),
      })),
      ...options.others().map(({ name, server }) => ({ name, place: () => placeOf(server) })),
    ];
    const actors: ExplainedActor[] = [];
    const silent: Record<string, string> = {};
    await Promise.all(asked.map(async ({ name, place }) => {
      try {
        const path = `/chartroom/explain?${new URLSearchParams({ ...query, own: "true" })}`;
        const said = await ask({ ...place(), path, ca, cert, key });
        actors.push(...said.actors);
      } catch (error) {
        silent[name] = (error as Error).message;
      }
    }));
    return { actors, ...(Object.keys(silent).length === 0 ? {} : { silent }) };
  };
}

function placeOf(server: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(server);
  return { host, port: Number(port) };
}

function ask(where: https.RequestOptions): Promise<ExplainAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ExplainAnswer>();
  const request = https.get({ ...where, agent: false, timeout: patienceMs }, (reply) => {
    let text = "";
    reply.setEncoding("utf8");
    reply.on("data", (piece: string) => text += piece);
    reply.on("error", reject);
    reply.on("end", () => {
      if (reply.statusCode !== 200) return reject(new Error(`it answered ${reply.statusCode}: ${text}`));
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
  });
  request.on("timeout", () => request.destroy(new Error(`it did not answer within ${patienceMs / 1000} s`)));
  request.on("error", reject);
  return promise;
}
