/**
 * Calls to an etcd v3 cluster over gRPC: one connection at a time, the next endpoint when that one fails, a user's token
 * renewed when it has run out.
 */
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { refusalOfError, statusCodes, wantsNewToken } from "../../machines/etcd/errors.ts";
import type { Message, Part } from "../../machines/etcd/protobuf.ts";
import { authenticate, type Method, methodPath } from "../../machines/etcd/services.ts";
import type { Clock } from "../../ports/clock.ts";
import { StorageError } from "../../ports/storage.ts";

export interface EtcdConnection {
  /** host:port, tried in this order. */
  readonly endpoints: readonly string[];
  /** PEM. Absent: no TLS. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly user?: { readonly name: string; readonly password: string };
  /** A call that takes longer has failed; 10 s unless told. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

export type EtcdStream<Request, Response> = ClientDuplexStream<Part<Request>, Response>;

export class EtcdClient {
  #clients: Client[];
  #current = 0;
  #token: string | undefined;
  #renewing: Promise<void> | undefined;
  #timeoutMs: number;

  constructor(readonly connection: EtcdConnection) {
    const { endpoints, tls, timeoutMs = 10_000 } = connection;
    if (endpoints.length === 0) throw new Error("Cannot connect to etcd: no endpoint is named");
    this.#timeoutMs = timeoutMs;
    this.#clients = endpoints.map((endpoint) =>
      new Client(endpoint, credentialsOf(tls, hostOf(endpoint)), {
        ...(isIP(hostOf(endpoint)) === 0 ? {} : { "grpc.ssl_target_name_override": addressName }),
        "grpc.max_receive_message_length": -1,
        "grpc.max_send_message_length": -1,
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 2_000,
      })
    );
  }

  /** @throws StorageError. A call that may have changed something is sent again only when it never left. */
  async call<Request, Response>(
    service: string,
    name: string,
    method: Method<Request, Response>,
    request: Part<Request>,
    repeatable: boolean,
  ): Promise<Response> {
    let renewed = false;
    for (let failures = 0;;) {
      await this.#authenticate();
      const at = this.#current;
      try {
        return await this.#send(this.#clients[at]!, methodPath(service, name), method, request);
      } catch (error) {
        const { code, details } = error as ServiceError;
        if (this.connection.user !== undefined && !renewed && wantsNewToken(code, details)) {
          renewed = true;
          this.#token = undefined;
          continue;
        }
        const failed = code === statusCodes.unavailable;
        if (failed) this.failed(at);
        const neverLeft = failed && /^No connection established/.test(details);
        if (failed && (repeatable || neverLeft) && ++failures < this.#clients.length) continue;
        throw storageError(error as ServiceError);
      }
    }
  }

  /** A stream to the endpoint of now. */
  async stream<Request, Response>(
    service: string,
    name: string,
    method: Method<Request, Response>,
  ): Promise<EtcdStream<Request, Response>> {
    await this.#authenticate();
    const { request, response } = method;
    const client = this.#clients[this.#current]!;
    const stream = client.makeBidiStreamRequest<Part<Request>, Response>(
      methodPath(service, name),
      serializer(request),
      (bytes: Buffer) => response.decode(bytes),
      this.#metadata(),
    );
    const at = this.#current;
    stream.on("error", (error: ServiceError) => {
      if (error.code === statusCodes.unavailable) this.failed(at);
      if (wantsNewToken(error.code, error.details)) this.#token = undefined;
    });
    return stream;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  /** The next endpoint is tried from now on. */
  failed(at: number): void {
    if (this.#current === at) this.#current = (at + 1) % this.#clients.length;
  }

  #send<Request, Response>(
    client: Client,
    path: string,
    { request: asked, response }: Method<Request, Response>,
    request: Part<Request>,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest<Part<Request>, Response>(
        path,
        serializer(asked),
        (bytes: Buffer) => response.decode(bytes),
        request,
        this.#metadata(),
        { deadline: this.connection.clock.wallTime() + this.#timeoutMs },
        (error, value) => error === null ? resolve(value!) : reject(error),
      );
    });
  }

  async #authenticate(): Promise<void> {
    const { user } = this.connection;
    if (user === undefined || this.#token !== undefined) return;
    this.#renewing ??= (async () => {
      const client = this.#clients[this.#current]!;
      const path = methodPath("Auth", "Authenticate");
      this.#token = (await this.#send(client, path, authenticate, user)).token;
    })().catch((error: ServiceError) => {
      throw storageError(error);
    }).finally(() => this.#renewing = undefined);
    await this.#renewing;
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    // A member that has lost its cluster says so instead of being silent.
    metadata.set("hasleader", "true");
    if (this.#token !== undefined) metadata.set("token", this.#token);
    return metadata;
  }
}

function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

/** An address may not be named in the TLS greeting: this is, and the certificate is checked for the address. */
const addressName = "etcd.local";

function credentialsOf(tls: EtcdConnection["tls"], host: string): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const bytes = (text: string | undefined) => text === undefined ? null : Buffer.from(text);
  return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.cert), {
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate as PeerCertificate),
  });
}

function serializer<T>(message: Message<T>) {
  return (value: Part<T>) => {
    const bytes = message.encode(value);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  };
}

export function storageError({ code, details, message }: ServiceError): StorageError {
  return new StorageError(refusalOfError(code, details), `Cannot do it in etcd: ${details || message}`);
}
