/** What the nodes' own processes say about an object: the API server asks their kubelets, as it does for logs. */
import https from "node:https";
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { kubeletAddress } from "../http/streaming/pod_target.ts";
import type { Node } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import type { ApiClient } from "../ports/api_client.ts";
import type { AskOthers, ExplainAnswer, ExplainedActor } from "./explain_routes.ts";

/** A node that says nothing for so long is left out. */
const patienceMs = 3_000;

export function nodesExplained(
  client: ApiClient,
  trust: { readonly authority: string; readonly certificate: KeyPair; own(node: string): boolean },
): AskOthers {
  const { certificate: cert, key } = trust.certificate;
  return async (query) => {
    const { items } = await client.list<Node>(resources.nodes);
    const actors: ExplainedActor[] = [];
    const silent: Record<string, string> = {};
    await Promise.all(
      items.filter(({ metadata }) => !trust.own(metadata.name)).map(async (node) => {
        try {
          const said = await ask(node, query, { ca: trust.authority, cert, key });
          actors.push(...said.actors);
        } catch (error) {
          silent[node.metadata.name] = (error as Error).message;
        }
      }),
    );
    return { actors, ...(Object.keys(silent).length === 0 ? {} : { silent }) };
  };
}

function ask(node: Node, query: string, trust: { ca: string; cert: string; key: string }): Promise<ExplainAnswer> {
  const { host, port } = kubeletAddress(node);
  const { promise, resolve, reject } = Promise.withResolvers<ExplainAnswer>();
  const path = `/chartroom/explain${query}`;
  const request = https.get({ host, port, path, ...trust, agent: false, timeout: patienceMs }, (reply) => {
    let text = "";
    reply.setEncoding("utf8");
    reply.on("data", (piece: string) => text += piece);
    reply.on("error", reject);
    reply.on("end", () => {
      if (reply.statusCode !== 200) return reject(new Error(`its kubelet answered ${reply.statusCode}: ${text}`));
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
  });
  request.on("timeout", () => request.destroy(new Error(`its kubelet did not answer within ${patienceMs / 1000} s`)));
  request.on("error", reject);
  return promise;
}
