/**
 * The way to an extension API server: its service's ready endpoint, with the front proxy's certificate, in the name of
 * whoever asks (Kubernetes docs, "Configure the Aggregation Layer").
 */
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { ConnectionOptions } from "node:tls";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Random } from "../../ports/random.ts";
import type { KeyPair } from "../auth/certificates/issue.ts";
import type { UserInfo } from "../machinery/types.ts";
import { type Endpoint, serviceEndpoint, type ServiceReference } from "../outgoing/service_endpoint.ts";

export interface ApiService extends KubeObject {
  readonly spec: {
    readonly group?: string;
    readonly version: string;
    readonly groupPriorityMinimum: number;
    readonly versionPriority: number;
    readonly service?: ServiceReference;
    /** PEM in base64. */
    readonly caBundle?: string;
    readonly insecureSkipTLSVerify?: boolean;
  };
}

export interface ExtensionClientOptions {
  readonly client: ApiClient;
  readonly random: Pick<Random, "next">;
  /** What shows an extension server that it is really the API server that speaks for somebody. */
  readonly certificate: KeyPair;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array;
}

export class ExtensionClient {
  constructor(readonly options: ExtensionClientOptions) {}

  /** @throws NoEndpoint */
  endpoint({ spec }: ApiService): Promise<Endpoint> {
    const { client, random } = this.options;
    return serviceEndpoint(client, random, spec.service!);
  }

  trust({ spec }: ApiService): ConnectionOptions {
    const { certificate: { certificate, key } } = this.options;
    const { namespace, name } = spec.service!;
    return {
      cert: certificate,
      key,
      servername: `${name}.${namespace}.svc`,
      ...(spec.insecureSkipTLSVerify === true ? { rejectUnauthorized: false } : {}),
      ...(spec.caBundle === undefined ? {} : { ca: atob(spec.caBundle) }),
    };
  }

  /** The beginning of the answer. `opened` gets the way to give up. */
  async ask(
    service: ApiService,
    asked: Asked,
    opened: (giveUp: () => void) => void = () => {},
  ): Promise<IncomingMessage> {
    const endpoint = await this.endpoint(service);
    const { method, path, headers, body } = asked;
    return await new Promise((resolve, reject) => {
      const sent = https.request({
        ...endpoint,
        method,
        path,
        headers: { ...headers, host: `${endpoint.host}:${endpoint.port}` },
        agent: false,
        ...this.trust(service),
      }, resolve);
      sent.on("error", reject);
      opened(() => sent.destroy());
      if (body !== undefined) sent.setHeader("content-length", String(body.length));
      sent.end(body);
    });
  }
}

/** Who asks, as an extension server that trusts the front proxy reads it. */
export function remoteHeaders({ name, uid, groups, extra = {} }: UserInfo): Record<string, string | string[]> {
  return {
    "x-remote-user": name,
    ...(uid === undefined || uid === "" ? {} : { "x-remote-uid": uid }),
    "x-remote-group": [...groups],
    ...Object.fromEntries(
      Object.entries(extra).map((
        [key, values],
      ) => [`x-remote-extra-${encodeURIComponent(key.toLowerCase())}`, [...values]]),
    ),
  };
}
