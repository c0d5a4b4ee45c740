/** `x-kubernetes-validations`: rules of a schema, compiled once and asked of every object. */
import { Optional, type ParseResult } from "@marcbachmann/cel-js";
import { isObject, jsonEquals } from "../../../machines/objects/json.ts";
import type { FieldError } from "../../machinery/types.ts";
import { shown } from "../../resources/validation/field.ts";
import { joined, type JsonSchema, memberSchema, type ValidationRule } from "../json_schema.ts";
import { celEnvironment } from "./environment.ts";
import { compileError } from "./compile_error.ts";
import { costLimitExceeded, CostMeter, evaluateMetered } from "./metered.ts";
import { celValue, type Conversions, SchemaTypes } from "./schema_types.ts";

/** What all rules of one object may cost (k8s.io/apiserver apis/cel: RuntimeCELCostBudget). */
const objectBudget = 10_000_000;
const outOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";

/** Nothing more is asked of this object: what it has cost so far is enough. */
class Exhausted extends Error {
  constructor(readonly last: FieldError) {
    super(last.message);
  }
}

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly holds: ParseResult;
  readonly message: ParseResult | undefined;
  /** Asks for the old value: without one it is not asked at all, unless the old value is optional. */
  readonly isTransition: boolean;
}

interface Node {
  readonly schema: JsonSchema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Node>;
  readonly others: Node | undefined;
  readonly items: Node | undefined;
}

/** What is wrong with one rule of the definition. */
export interface RuleError {
  /** Names of properties, "items" or "additionalProperties", from the root. */
  readonly path: readonly string[];
  readonly index: number;
  readonly field: "rule" | "messageExpression";
  readonly text: string;
  readonly rule: ValidationRule;
}

export class SchemaRules {
  readonly errors: RuleError[] = [];
  readonly #root: Node | undefined;
  readonly #convert: Conversions;

  constructor(schema: JsonSchema) {
    this.#root = this.#compile(schema, [], true);
    const plain = celEnvironment();
    const call = (name: string) => {
      const run = plain.clone().registerVariable("text", "string").parse(`${name}(text)`);
      return (text: string): unknown => run({ text });
    };
    const timestamp = call("timestamp");
    this.#convert = {
      "date-time": timestamp,
      "date": (text) => timestamp(`${text}T00:00:00Z`),
      "duration": call("duration"),
      "byte": (text) => Uint8Array.fromBase64(text),
    };
  }

  get isEmpty(): boolean {
    return this.#root === undefined;
  }

  #compile(schema: JsonSchema, path: readonly string[], isResource = false): Node | undefined {
    const properties = new Map<string, Node>();
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const node = this.#compile(property, [...path, `properties[${name}]`], isEmbedded(property));
      if (node !== undefined) properties.set(name, node);
    }
    const { additionalProperties, items: itemSchema } = schema;
    const others = typeof additionalProperties === "object"
      ? this.#compile(additionalProperties, [...path, "additionalProperties"], isEmbedded(additionalProperties))
      : undefined;
    const items = itemSchema && this.#compile(itemSchema, [...path, "items"], isEmbedded(itemSchema));
    const given = schema["x-kubernetes-validations"] ?? [];
    if (given.length === 0 && properties.size === 0 && others === undefined && items === undefined) return undefined;
    const rules = given.length === 0 ? [] : this.#compileRules(schema, given, path, isResource);
    return { schema, rules, properties, others, items };
  }

  #compileRules(
    schema: JsonSchema,
    given: readonly ValidationRule[],
    path: readonly string[],
    isResource: boolean,
  ): CompiledRule[] {
    const environment = celEnvironment();
    const type = new SchemaTypes(environment).typeOf({ ...schema, nullable: false }, isResource);
    environment.registerVariable("self", type);
    const strict = environment.clone().registerVariable("oldSelf", type);
    const optional = environment.clone().registerVariable("oldSelf", "optional<dyn>");
    return given.flatMap((rule, index): CompiledRule[] => {
      const scope = rule.optionalOldSelf === true ? optional : strict;
      const compiled = (text: string, wanted: string, field: RuleError["field"]): ParseResult | undefined => {
        const wrong = compileError(scope, text, wanted);
        if (wrong === undefined) return scope.parse(text);
        this.errors.push({ path, index, field, text: wrong, rule });
        return undefined;
      };
      const holds = compiled(rule.rule, "bool", "rule");
      const { messageExpression = "" } = rule;
      const message = messageExpression === "" ? undefined : compiled(messageExpression, "string", "messageExpression");
      return holds === undefined ? [] : [{ rule, holds, message, isTransition: /\boldSelf\b/.test(rule.rule) }];
    });
  }

  /** All causes, up to where the rules cost too much. `old` undefined: the object is new. */
  validate(object: unknown, old: unknown): FieldError[] {
    const errors: FieldError[] = [];
    if (this.#root === undefined) return errors;
    try {
      this.#check(this.#root, object, old, "", { errors, meter: new CostMeter(objectBudget) });
    } catch (error) {
      if (!(error instanceof Exhausted)) throw error;
      errors.push(error.last);
    }
    return errors;
  }

  #check(node: Node, value: unknown, old: unknown, path: string, run: Run): void {
    if (value === undefined || value === null) return;
    if (node.rules.length > 0) this.#ask(node, value, old, path, run);
    if (Array.isArray(value)) {
      const { items } = node;
      if (items === undefined) return;
      const earlier = correlated(node.schema, old);
      value.forEach((each, index) => this.#check(items, each, earlier(each), `${path}[${index}]`, run));
    } else if (isObject(value)) {
      const before = isObject(old) ? old : {};
      for (const name of Object.keys(value).sort()) {
        const declared = memberSchema(node.schema, name);
        const next = node.properties.get(name) ??
          (declared === node.schema.additionalProperties ? node.others : undefined);
        if (next !== undefined) this.#check(next, value[name], before[name], joined(path, name), run);
      }
    }
  }

  #ask({ schema, rules }: Node, value: unknown, old: unknown, path: string, { errors, meter }: Run): void {
    const self = celValue(value, schema, this.#convert);
    const hasOld = old !== undefined && old !== null;
    const oldSelf = hasOld ? celValue(old, schema, this.#convert) : undefined;
    for (const { rule, holds, message, isTransition } of rules) {
      const isOptional = rule.optionalOldSelf === true;
      if (isTransition && !hasOld && !isOptional) continue;
      const scope = { self, oldSelf: isOptional ? hasOld ? Optional.of(oldSelf) : Optional.none() : oldSelf };
      const failed = () => {
        const said = message === undefined ? undefined : textOf(message, scope, meter);
        return said ?? rule.message ?? `failed rule: ${rule.rule}`;
      };
      try {
        const isTrue = evaluateMetered(holds, scope, meter) === true;
        if (meter.isExceeded) throw new Exhausted(invalidAt(path, outOfBudget));
        if (isTrue) continue;
      } catch (error) {
        if (error instanceof Exhausted) throw error;
        if (meter.isExceeded) throw new Exhausted(invalidAt(path, outOfBudget));
        if (summaryOf(error).startsWith(costLimitExceeded)) {
          const why = "no further validation rules will be run due to call cost exceeds limit for rule";
          throw new Exhausted(invalidAt(path, `'${summaryOf(error)}': ${why}: ${rule.message ?? rule.rule}`));
        }
        const text = `rule evaluation error: ${summaryOf(error)}, evaluating rule: ${rule.message ?? rule.rule}`;
        errors.push(invalidAt(path, text));
        continue;
      }
      errors.push(causeOf(rule, failed(), value, pathOf(path, rule.fieldPath)));
    }
  }
}

/** One validation of one object. */
interface Run {
  readonly errors: FieldError[];
  readonly meter: CostMeter;
}

function invalidAt(path: string, text: string): FieldError {
  return { reason: "FieldValueInvalid", field: pathOf(path, undefined), message: `Invalid value: ${text}` };
}

const isEmbedded = (schema: JsonSchema): boolean => schema["x-kubernetes-embedded-resource"] === true;

function textOf(expression: ParseResult, scope: Record<string, unknown>, meter: CostMeter): string | undefined {
  try {
    const said = evaluateMetered(expression, scope, meter);
    return typeof said === "string" && said.trim() !== "" && !said.includes("\n") ? said : undefined;
  } catch {
    return undefined;
  }
}

function summaryOf(error: unknown): string {
  return (error as { summary?: string }).summary ?? (error as Error).message;
}

function causeOf(
  { reason = "FieldValueInvalid" }: ValidationRule,
  text: string,
  value: unknown,
  field: string,
): FieldError {
  switch (reason) {
    case "FieldValueForbidden":
      return { reason, field, message: `Forbidden: ${text}` };
    case "FieldValueRequired":
      return { reason, field, message: `Required value: ${text}` };
    case "FieldValueDuplicate":
      return { reason, field, message: `Duplicate value: ${shown(value)}: ${text}` };
    default:
      return { reason: "FieldValueInvalid", field, message: `Invalid value: ${text}` };
  }
}

/** The root has no name: Kubernetes prints that as `<nil>`. */
function pathOf(path: string, fieldPath: string | undefined): string {
  const whole = path + (fieldPath ?? "");
  return whole === "" ? "<nil>" : whole.replace(/^\./, "");
}

/** Elements are followed through a change in lists that are maps; in others nothing says which was which. */
function correlated(schema: JsonSchema, old: unknown): (element: unknown) => unknown {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(old)) return () => undefined;
  const identity = (element: unknown) => isObject(element) ? keys.map((key) => element[key]) : undefined;
  return (element) => old.find((each) => jsonEquals(identity(each), identity(element)));
}
