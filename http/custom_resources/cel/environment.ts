/** CEL as Kubernetes' API server offers it, for rules of custom resources and admission policies. */
import { isDeepStrictEqual } from "node:util";
import { Environment } from "@marcbachmann/cel-js";
import { addresses } from "./libraries/addresses.ts";
import type { Library } from "./libraries/library.ts";
import { lists } from "./libraries/lists.ts";
import { quantities } from "./libraries/quantities.ts";
import { strings } from "./libraries/strings.ts";

const libraries: readonly Library[] = [lists, strings, quantities, addresses];

let base: Environment | undefined;

/** A fresh environment with every function, for whoever declares variables in it. */
export function celEnvironment(): Environment {
  base ??= libraries.reduce(withLibrary, new Environment(options));
  return base.clone();
}

const options = {
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 10_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 },
} as const;

function withLibrary(environment: Environment, { types = {}, namespaces = {}, functions }: Library): Environment {
  for (const [name, type] of Object.entries(types)) {
    environment.registerType(name, type);
    environment.registerOperator(`${name} == ${name}`, (a: object, b: object) => isDeepStrictEqual(a, b));
  }
  for (const [name, value] of Object.entries(namespaces)) {
    const type = value.constructor.name;
    environment.registerType(type, value.constructor as new () => object);
    environment.registerConstant(name, type, value);
  }
  for (const [signature, handler] of Object.entries(functions)) environment.registerFunction(signature, handler);
  return environment;
}
