/** What the parts of the engine share. */
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { type Storage, StorageError } from "../../ports/storage.ts";
import type { AdmissionChain } from "./admission_chain.ts";
import { internal, tooLargeToStore } from "./errors.ts";
import type { EventLeases } from "./event_leases.ts";
import type { ResourceRegistry } from "./resource_registry.ts";
import type { SchemaAccess } from "./schema_access.ts";
import type { WatchCache } from "./watch_cache.ts";

export interface Engine {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly cache: WatchCache;
  readonly registry: ResourceRegistry;
  readonly schema: SchemaAccess;
  readonly admission: AdmissionChain;
  readonly leases: EventLeases;
  /** The API with the server's own rights, for subresource handlers. */
  readonly client: ApiClient;
  /** Whether what a key holds is to be written again though its object stays the same. Absent: never. */
  readonly needsRewrite?: ((key: string) => Promise<boolean>) | undefined;
}

/** An error of the store as clients see it; other errors unchanged. */
export function storageRefusal(error: unknown): unknown {
  if (!(error instanceof StorageError)) return error;
  switch (error.code) {
    case "unavailable":
    case "closed":
      return new ApiError(503, "ServiceUnavailable", `Cannot reach the store: ${error.message}`, {
        retryAfterSeconds: 1,
      });
    case "tooManyRequests":
      return new ApiError(429, "TooManyRequests", `The store is busy: ${error.message}`, { retryAfterSeconds: 1 });
    case "tooLarge":
      return tooLargeToStore();
    case "compacted":
      return new ApiError(410, "Expired", "The resourceVersion for the provided request is too old.");
    default:
      return internal(error.message);
  }
}
