import type { SimulatedImage } from "./container_behaviour.ts";

/** Whatever image is asked for is there, and its process runs until it is stopped. */
export function everyImage(): Record<string, SimulatedImage> {
  return new Proxy<Record<string, SimulatedImage>>({}, {
    get(images, name) {
      if (typeof name !== "string") return undefined;
      return name.startsWith("sha256:") ? images[name] : images[name] ??= {};
    },
  });
}
