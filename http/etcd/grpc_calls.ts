/** What every method of the endpoint has around it: a header, an error in etcd's words, bytes instead of objects. */
import { Buffer } from "node:buffer";
import type { sendUnaryData, ServerDuplexStream, ServerUnaryCall, ServiceDefinition } from "@grpc/grpc-js";
import { errorOfRefusal, type EtcdErrorName, etcdErrors, statusCodes } from "../../machines/etcd/errors.ts";
import type { Read, ResponseHeader } from "../../machines/etcd/messages.ts";
import type { Message } from "../../machines/etcd/protobuf.ts";
import { type Method, methodPath } from "../../machines/etcd/services.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Storage, StorageError } from "../../ports/storage.ts";
import { AdministrationError, type StoreAdministration } from "../../ports/store_administration.ts";

/** What the services work on. */
export interface EtcdContext {
  readonly storage: Storage;
  readonly administration: StoreAdministration;
  readonly cluster: bigint;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

export type Header = Read<typeof ResponseHeader>;

/** As every answer has one. Without a revision, the latest. */
export async function headerOf({ storage, cluster }: EtcdContext, revision?: number): Promise<Header> {
  const status = await storage.status();
  return {
    clusterId: cluster,
    memberId: numericId(status.member),
    revision: revision ?? status.revision,
    raftTerm: BigInt(status.term),
  };
}

/** Ids are 16 hexadecimal digits here and 64 bits there; no id is 0. */
export function numericId(id: string): bigint {
  return id === "" ? 0n : BigInt(`0x${id}`);
}

export function textId(id: bigint): string {
  return id === 0n ? "" : id.toString(16).padStart(16, "0");
}

/** A gRPC status. grpc-js takes any error that has these. */
export class GrpcError extends Error {
  constructor(readonly code: number, readonly details: string) {
    super(details);
  }
}

export function etcdError(name: EtcdErrorName): GrpcError {
  const [code, message] = etcdErrors[name];
  return new GrpcError(statusCodes[code], message);
}

export function invalid(message: string): GrpcError {
  return new GrpcError(statusCodes.invalidArgument, `etcdserver: ${message}`);
}

/** The status that says what was thrown. */
export function grpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  if (error instanceof StorageError) {
    const name = errorOfRefusal(error.code);
    if (name !== undefined) return etcdError(name);
    const code = error.code === "invalid" ? statusCodes.invalidArgument : statusCodes.unavailable;
    return new GrpcError(code, `etcdserver: ${error.message}`);
  }
  if (error instanceof AdministrationError) {
    if (error.code === "notSupported") return new GrpcError(statusCodes.unimplemented, `etcdserver: ${error.message}`);
    return etcdError(error.code);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new GrpcError(statusCodes.internal, `etcdserver: ${message}`);
}

/** A call of a service in grpc-js' form. */
export function unary<Request, Response>(handle: (request: Request) => Promise<Response>) {
  return ({ request }: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
    handle(request).then((response) => answer(null, response), (error) => answer(grpcError(error)));
  };
}

/** Handles what a client streams one after the other; what is thrown ends the stream. */
export function inTurn<Request, Response>(
  call: ServerDuplexStream<Request, Response>,
  handle: (request: Request) => Promise<void>,
  over: () => void,
): void {
  let last = Promise.resolve();
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    over();
  };
  const fail = (error: unknown) => {
    if (isOver) return;
    end();
    call.destroy(grpcError(error));
  };
  call.on("data", (request: Request) => {
    last = last.then(() => isOver ? undefined : handle(request)).catch(fail);
  });
  call.on("end", () => {
    last.then(() => {
      end();
      call.end();
    });
  });
  call.on("cancelled", end);
  call.on("error", end);
  call.on("close", end);
}

/** A table of methods as grpc-js wants it. */
export function definitionOf(service: string, methods: Readonly<Record<string, unknown>>): ServiceDefinition {
  const rows = Object.entries(methods as Record<string, Method>).map((
    [name, { request, response, streams }],
  ) => [name, {
    path: methodPath(service, name),
    requestStream: streams === "both",
    responseStream: streams !== undefined,
    requestSerialize: serializer(request),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: serializer(response),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  }]);
  return Object.fromEntries(rows);
}

function serializer(message: Message<unknown>) {
  return (value: unknown) => {
    const bytes = message.encode(value as never);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  };
}
