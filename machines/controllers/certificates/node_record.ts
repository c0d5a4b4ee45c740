/**
 * Which number and address each joined node was given: the ConfigMap `kube-system/chartroom-nodes`, one key a node.
 * Numbers below 100 are for the nodes that `up` starts itself.
 */
export const nodesRecord = {
  namespace: "kube-system",
  name: "chartroom-nodes",
  key: "kube-system/chartroom-nodes",
} as const;

export const firstJoinedNumber = 100;

export interface GivenNode {
  readonly number: number;
  readonly address: string;
}

type Data = Readonly<Record<string, string>> | undefined;

export function givenNode(data: Data, name: string): GivenNode | undefined {
  const text = data?.[name];
  if (text === undefined) return undefined;
  const [number = "", address = ""] = text.split(" ");
  return { number: Number(number), address };
}

export function givenText({ number, address }: GivenNode): string {
  return `${number} ${address}`;
}

/** The lowest number that nobody has; undefined when there is none below `end`. */
export function freeNumber(data: Data, end: number): number | undefined {
  const taken = new Set(Object.keys(data ?? {}).map((name) => givenNode(data, name)!.number));
  for (let number = firstJoinedNumber; number < end; number++) if (!taken.has(number)) return number;
  return undefined;
}
