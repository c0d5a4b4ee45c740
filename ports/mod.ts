/** The outside world as interfaces. Each has a real and a simulated twin that pass one contract suite. */
export type * from "./api_client.ts";
export { resources } from "./api_client.ts";
export type * from "./clock.ts";
export type * from "./container_runtime.ts";
export { RuntimeError } from "./container_runtime.ts";
export type * from "./random.ts";
export { type Disk, DiskError, type DiskFile, type DiskLock } from "./disk.ts";
export type * from "./inspection.ts";
export { inspectionVersion, redacted } from "./inspection.ts";
export type * from "./node_files.ts";
export type * from "./node_streams.ts";
export type * from "./packet_filter.ts";
export type * from "./pod_network.ts";
export type * from "./role_processes.ts";
export type * from "./storage.ts";
export { prefixEnd, StorageError } from "./storage.ts";
export type * from "./transport.ts";
