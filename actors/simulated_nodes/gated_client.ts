/** A node's way to the API, which can be cut off. */
import type { ApiClient } from "../../ports/api_client.ts";

export class GatedClient implements ApiClient {
  open = true;

  constructor(readonly client: ApiClient) {}

  get: ApiClient["get"] = (...asked) => this.#pass(() => this.client.get(...asked));
  list: ApiClient["list"] = (...asked) => this.#pass(() => this.client.list(...asked));
  create: ApiClient["create"] = (...asked) => this.#pass(() => this.client.create(...asked));
  update: ApiClient["update"] = (...asked) => this.#pass(() => this.client.update(...asked));
  patch: ApiClient["patch"] = (...asked) => this.#pass(() => this.client.patch(...asked));
  delete: ApiClient["delete"] = (...asked) => this.#pass(() => this.client.delete(...asked));
  deleteCollection: ApiClient["deleteCollection"] = (...asked) =>
    this.#pass(() => this.client.deleteCollection(...asked));

  watch(): never {
    throw new Error("Cannot watch for a simulated node: its process watches for all of them");
  }

  #pass<T>(ask: () => Promise<T>): Promise<T> {
    return this.open ? ask() : Promise.reject(new Error("Cannot reach the API: the node is cut off from it"));
  }
}
