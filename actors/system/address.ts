/**
 * Where an actor is: `node/kind/namespace/name/uid`, with `-` for parts that do not apply. An address is never used
 * again for another object: the uid sees to that.
 */
export type Address = `${string}/${string}/${string}/${string}/${string}`;

export interface AddressParts {
  /** The process' or the node's name, for example "master-0". */
  readonly node: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
}

export function address({ node, kind, namespace, name, uid }: AddressParts): Address {
  return `${node}/${kind}/${namespace ?? "-"}/${name ?? "-"}/${uid ?? "-"}`;
}

export function partsOf(of: Address): AddressParts {
  const [node = "", kind = "", namespace, name, uid] = of.split("/").map((part) => part === "-" ? undefined : part);
  return { node, kind, namespace, name, uid };
}

/** For people: `pod/default/web-0`. */
export function displayAddress(of: Address): string {
  const { kind, namespace, name } = partsOf(of);
  return [kind, namespace, name].filter((part) => part !== undefined).join("/");
}
