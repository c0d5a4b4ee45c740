/** The forms of one object: resources under which the same stored objects are served, and what one form is in another. */
import type { KubeObject } from "../../machines/objects/object.ts";
import type { ResourceRegistry } from "../machinery/resource_registry.ts";
import type { Resource } from "../machinery/types.ts";

/** The other resources whose objects these are. */
export function equivalentsOf(registry: ResourceRegistry, resource: Resource, subresource: string): Resource[] {
  const stored = registry.storageOf(resource);
  return registry.all().filter((other) =>
    other !== resource && registry.storageOf(other) === stored && isConvertedHere(other) && isConvertedHere(resource) &&
    (subresource === "" || Object.hasOwn(other.subresources, subresource))
  );
}

/** What a webhook would have to convert is judged in the form in which it came. */
function isConvertedHere({ storedAs }: Resource): boolean {
  return storedAs?.convert === undefined;
}

/** The object in another form of it. */
export function inForm(object: KubeObject, from: Resource, to: Resource): KubeObject {
  if (from === to) return object;
  const stored = from.storedAs === undefined ? object : from.storedAs.toStored(object);
  return to.storedAs === undefined ? stored : to.storedAs.fromStored(stored);
}
