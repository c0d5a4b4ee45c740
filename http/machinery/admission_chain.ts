/** Runs the admission plugins in their order: all that change, and later all that only judge. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./types.ts";

export class AdmissionChain {
  #plugins: readonly AdmissionPlugin[] = [];

  use(plugins: readonly AdmissionPlugin[]): void {
    this.#plugins = plugins;
  }

  /** The object as the plugins leave it. */
  async admit(request: AdmissionRequest): Promise<KubeObject | undefined> {
    for (const plugin of this.#plugins) {
      const running = plugin.admit?.(request);
      if (running !== undefined) await running;
    }
    return request.object;
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) {
      const running = plugin.validate?.(request);
      if (running !== undefined) await running;
    }
  }
}
