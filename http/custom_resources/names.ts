/**
 * Whether a definition's names are its own (apiextensions-apiserver's naming controller): within a group no two
 * resources share a plural, singular or short name, and no two share a kind.
 */
import type { Condition, Definition, DefinitionNames } from "./definition.ts";
import { conditionOf, isEstablished } from "./definition.ts";

type Status = NonNullable<Definition["status"]>;

interface Taken {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

function takenBy(others: readonly Definition[], group: string): Taken {
  const resources = new Set<string>(), kinds = new Set<string>();
  for (const { spec, status } of others) {
    const accepted = status?.acceptedNames;
    if (spec.group !== group || accepted === undefined) continue;
    for (const name of [accepted.plural, accepted.singular, ...accepted.shortNames ?? []]) {
      if (name) resources.add(name);
    }
    for (const name of [accepted.kind, accepted.listKind]) if (name) kinds.add(name);
  }
  return { resources, kinds };
}

/** The status that the definition should have; the same object when it has it. */
export function acceptNames(definition: Definition, all: readonly Definition[], now: string): Status {
  const { names: wanted, group } = definition.spec;
  const { resources, kinds } = takenBy(all.filter((each) => each.metadata.uid !== definition.metadata.uid), group);
  const before = definition.status?.acceptedNames ?? { plural: "", kind: "" };
  let conflict: { reason: string; message: string } | undefined;
  const refuse = (reason: string, name: string) => {
    conflict = { reason, message: `${JSON.stringify(name)} is already in use` };
  };
  const settle = <Name extends string | undefined>(
    name: Name,
    earlier: Name,
    taken: ReadonlySet<string>,
    reason: string,
  ) => {
    if (name === undefined || name === "" || !taken.has(name)) return name;
    refuse(reason, name);
    return earlier;
  };
  const plural = settle(wanted.plural, before.plural, resources, "PluralConflict");
  const singular = settle(wanted.singular, before.singular, resources, "SingularConflict");
  const short = wanted.shortNames?.find((name) => resources.has(name));
  if (short !== undefined) refuse("ShortNamesConflict", short);
  const shortNames = short === undefined ? wanted.shortNames : before.shortNames;
  const kind = settle(wanted.kind, before.kind, kinds, "KindConflict");
  const listKind = settle(wanted.listKind, before.listKind, kinds, "ListKindConflict");
  const acceptedNames: DefinitionNames = {
    plural,
    ...(singular ? { singular } : {}),
    ...(shortNames === undefined ? {} : { shortNames }),
    kind,
    ...(listKind ? { listKind } : {}),
    ...(wanted.categories === undefined ? {} : { categories: wanted.categories }),
  };
  const accepted: Condition = conflict === undefined
    ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
    : { type: "NamesAccepted", status: "False", ...conflict };
  const established: Condition = isEstablished(definition) || conflict === undefined
    ? {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    }
    : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" };
  return { ...definition.status, conditions: withConditions(definition, [accepted, established], now), acceptedNames };
}

/** The conditions with these among them; a time changes only with a status. */
export function withConditions(definition: Definition, said: readonly Condition[], now: string): Condition[] {
  const timed = said.map((each) => {
    const old = conditionOf(definition, each.type);
    const lastTransitionTime = old?.status === each.status ? old.lastTransitionTime ?? now : now;
    const { type, status, ...text } = each;
    return { type, status, lastTransitionTime, ...text };
  });
  const others = (definition.status?.conditions ?? []).filter(({ type }) => said.every((each) => each.type !== type));
  const place = (type: string) => (definition.status?.conditions ?? []).findIndex((each) => each.type === type) >>> 0;
  return [...others, ...timed].sort((a, b) => place(a.type) - place(b.type));
}
