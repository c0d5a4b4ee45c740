/** Tables of the simulated packet filter and the commands that change them. */

/** What `nft` would refuse. */
export class NftError extends Error {
  override name = "NftError";
}

export interface FilterChain {
  readonly base: { readonly hook: string; readonly priority: number } | undefined;
  readonly rules: readonly string[];
}

export interface FilterTable {
  readonly chains: Map<string, FilterChain>;
  readonly maps: Map<string, Map<string, string>>;
  readonly sets: Map<string, Set<string>>;
}

type Tables = Map<string, FilterTable>;
type Handler = (table: FilterTable, name: string, rest: string) => void;

const handlers: Record<string, Handler> = {
  "add chain": ({ chains }, name, rest) => {
    const hook = /hook (\S+) priority (-?\d+)/.exec(rest);
    if (rest !== "" && hook === null) throw new NftError("syntax error");
    if (chains.has(name)) return;
    chains.set(name, { base: hook === null ? undefined : { hook: hook[1]!, priority: Number(hook[2]) }, rules: [] });
  },
  "flush chain": ({ chains }, name) => chains.set(name, { ...existing(chains, name), rules: [] }),
  "delete chain": (table, name) => {
    if (existing(table.chains, name).rules.length > 0 || isNamed(table, name)) {
      throw new NftError("Device or resource busy");
    }
    table.chains.delete(name);
  },
  "add rule": (table, name, rest) => {
    const chain = existing(table.chains, name);
    for (const [, target] of rest.matchAll(/(?:goto|jump) ([^\s,}]+)/g)) existing(table.chains, target!);
    for (const [, set] of rest.matchAll(/@(\S+)/g)) if (!table.sets.has(set!)) existing(table.maps, set!);
    table.chains.set(name, { ...chain, rules: [...chain.rules, rest] });
  },
  "add map": ({ maps }, name) => {
    if (!maps.has(name)) maps.set(name, new Map());
  },
  "add set": ({ sets }, name) => {
    if (!sets.has(name)) sets.set(name, new Set());
  },
  "flush set": ({ sets }, name) => existing(sets, name).clear(),
  "delete set": (table, name) => {
    existing(table.sets, name);
    for (const { rules } of table.chains.values()) {
      if (rules.some((rule) => rule.split(" ").includes(`@${name}`))) throw new NftError("Device or resource busy");
    }
    table.sets.delete(name);
  },
  "add element": (table, name, rest) => {
    const map = table.maps.get(name);
    for (const element of elementsOf(rest)) {
      if (map === undefined) {
        existing(table.sets, name).add(element);
        continue;
      }
      const [key = "", verdict = ""] = element.split(" : ");
      const target = /^(?:goto|jump) (\S+)$/.exec(verdict)?.[1];
      if (target !== undefined) existing(table.chains, target);
      if (map.has(key) && map.get(key) !== verdict) throw new NftError("File exists");
      map.set(key, verdict);
    }
  },
  "delete element": (table, name, rest) => {
    const holder = table.maps.get(name) ?? existing(table.sets, name);
    for (const element of elementsOf(rest)) {
      if (!holder.delete(element)) throw new NftError("No such file or directory");
    }
  },
};

/** Runs one command; a table is copied before its first change, so that a failed transaction leaves no trace. */
export function runCommand(tables: Tables, copied: Set<FilterTable>, command: string): void {
  const match = /^(\w+) (\w+) ip (\S+) ?(\S*) ?(.*)$/.exec(command);
  if (match === null) throw new NftError("syntax error");
  const [, verb, noun, tableName = "", name = "", rest = ""] = match;
  if (noun === "table") return changeTable(tables, copied, verb!, tableName);
  const handler = handlers[`${verb} ${noun}`];
  if (handler === undefined) throw new NftError("syntax error");
  let table = existing(tables, tableName);
  if (!copied.has(table)) {
    table = copyOf(table);
    copied.add(table);
    tables.set(tableName, table);
  }
  handler(table, name, rest);
}

function changeTable(tables: Tables, copied: Set<FilterTable>, verb: string, name: string): void {
  if (verb === "delete") {
    existing(tables, name);
    tables.delete(name);
  } else if (verb === "add") {
    if (tables.has(name)) return;
    const table: FilterTable = { chains: new Map(), maps: new Map(), sets: new Map() };
    copied.add(table);
    tables.set(name, table);
  } else {
    throw new NftError("syntax error");
  }
}

function copyOf({ chains, maps, sets }: FilterTable): FilterTable {
  return {
    chains: new Map(chains),
    maps: new Map([...maps].map(([name, map]) => [name, new Map(map)])),
    sets: new Map([...sets].map(([name, set]) => [name, new Set(set)])),
  };
}

function existing<Value>(among: ReadonlyMap<string, Value>, name: string): Value {
  const found = among.get(name);
  if (found === undefined) throw new NftError(`No such file or directory: "${name}"`);
  return found;
}

function isNamed({ chains, maps }: FilterTable, chain: string): boolean {
  const names = (text: string) =>
    [...text.matchAll(/(?:goto|jump) ([^\s,}]+)/g)].some(([, target]) => target === chain);
  for (const { rules } of chains.values()) if (rules.some(names)) return true;
  for (const map of maps.values()) for (const verdict of map.values()) if (names(verdict)) return true;
  return false;
}

function elementsOf(text: string): string[] {
  const inner = /^\{(.*)\}$/.exec(text.trim())?.[1];
  if (inner === undefined) throw new NftError("syntax error");
  return inner.split(",").map((element) => element.trim()).filter((element) => element !== "");
}
