/** Reads a cluster's inspection stream for commands, as the administrator: server-sent events over HTTPS. */
import type { ServerMessage } from "../ports/inspection.ts";
import { type Access, administratorAccess } from "./administrator.ts";
import type { ClusterState } from "./cluster_state.ts";

/** The messages of `/inspect/events?QUERY`, until the cluster ends or the reader does. */
export async function* inspectionMessages(state: ClusterState, query: URLSearchParams): AsyncGenerator<ServerMessage> {
  const access = await administratorAccess(state);
  const client = httpClientFor(access);
  try {
    const body = await bodyOf(`${access.server}/inspect/events?${query}`, access, client);
    let rest = "";
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + piece).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) if (event.startsWith("data: ")) yield JSON.parse(event.slice(6)) as ServerMessage;
    }
  } finally {
    client.close();
  }
}

export function httpClientFor({ authority, certificate }: Access): Deno.HttpClient {
  return Deno.createHttpClient({ caCerts: [authority], cert: certificate.certificate, key: certificate.key });
}

async function bodyOf(url: string, access: Access, client: Deno.HttpClient): Promise<ReadableStream<BufferSource>> {
  let response: Response;
  try {
    response = await fetch(url, { client });
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`Cannot reach the cluster at ${access.server}: is it up?`);
    throw error;
  }
  if (!response.ok || response.body === null) {
    throw new Error(`Cannot watch the cluster: it answered ${response.status} ${await response.text()}`);
  }
  return response.body as ReadableStream<BufferSource>;
}

/** Options of commands that pick actors. */
export interface SelectorOptions {
  readonly namespace?: string;
  readonly kind?: string;
  readonly node?: string;
  readonly in?: string;
  readonly problems?: boolean;
}

/** `pod/web-0`, `web-0`, `app=web` or words, together with options. */
export function queryOf(selector: string | undefined, options: SelectorOptions): URLSearchParams {
  const query = new URLSearchParams();
  for (const field of ["namespace", "kind", "node"] as const) {
    const value = options[field];
    if (value !== undefined) query.append(field, value);
  }
  if (options.in !== undefined) query.append("state", options.in);
  if (options.problems === true) query.append("anyProblem", "true");
  const said = selector ?? "";
  if (/^[^=\s/]+=[^=\s]*$/.test(said)) query.append("label", said);
  else if (/^[^=\s/]+\/[^=\s/]+$/.test(said)) {
    const [kind = "", name = ""] = said.split("/");
    query.append("kind", kind);
    query.append("name", name);
  } else if (said !== "") query.append("text", said);
  return query;
}
