/**
 * The house's own lint rules: machines decide, actors act, and the world is reached through ports. Each message says
 * what to do instead. Which files a rule is about is in `tools/lint/places.ts`.
 */
import { mayReadClock, mayUseDeno, type Place, placeOf } from "./places.ts";

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;

/** A rule for the files that `applies` picks. */
function rule(applies: (place: Place) => boolean, visitor: (context: Context) => Visitor): Deno.lint.Rule {
  return { create: (context) => applies(placeOf(context.filename)) ? visitor(context) : {} };
}

const inMachines = (place: Place) => place.folder === "machines";

/** What a name of the outside world is replaced by. */
const insteadInMachines: Readonly<Record<string, string>> = {
  Deno: "give an order (effect) and let the actor layer carry it out",
  fetch: "give an order (effect) and let the actor layer carry it out",
  crypto: "take the id, the key or the draw from the event or the input",
  performance: "take the time from the event, or use a named delay",
  process: "take it from the input",
  setTimeout: "use a named delay (after)",
  setInterval: "use a named delay (after)",
  setImmediate: "use a named delay (after)",
  queueMicrotask: "raise an event",
  console: "give an order, or let the inspection stream tell it",
};

const machineIsPure = rule(inMachines, (context) => {
  const refuse = (node: Deno.lint.Node, what: string, instead: string) =>
    context.report({ node, message: `A machine only decides: no ${what} here`, hint: instead });
  const refuseName = (node: Deno.lint.Node, name: string) => {
    const instead = insteadInMachines[name];
    if (instead !== undefined && Object.hasOwn(insteadInMachines, name)) refuse(node, name, instead);
  };
  const refuseAsync = (node: { async: boolean } & Deno.lint.Node) => {
    if (node.async) refuse(node, "async function", "give an order and take its answer as an event");
  };
  return {
    MemberExpression(node) {
      if (node.object.type === "Identifier") refuseName(node, node.object.name);
    },
    CallExpression(node) {
      if (node.callee.type === "Identifier") refuseName(node, node.callee.name);
      const clock = clockCall(node);
      if (clock !== undefined) refuse(node, clock, "take it from the event or the input");
    },
    NewExpression(node) {
      const clock = clockCall(node);
      if (clock !== undefined) refuse(node, clock, "take the time from the event or the input");
    },
    AwaitExpression: (node) => refuse(node, "await", "give an order and take its answer as an event"),
    FunctionDeclaration: refuseAsync,
    FunctionExpression: refuseAsync,
    ArrowFunctionExpression: refuseAsync,
    ImportDeclaration(node) {
      if (String(node.source.value).startsWith("node:")) {
        refuse(node, "node: module", "write it as a plain function, or give an order");
      }
    },
  };
});

/** Reads of the clock or of chance; `new Date(ms)`, `Date.UTC` and `Date.parse` only compute. */
function clockCall(node: Deno.lint.CallExpression | Deno.lint.NewExpression): string | undefined {
  const { callee, arguments: given } = node;
  if (
    callee.type === "Identifier" && callee.name === "Date" && (node.type === "CallExpression" || given.length === 0)
  ) {
    return "current date";
  }
  if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier") return undefined;
  if (callee.property.type !== "Identifier") return undefined;
  const called = `${callee.object.name}.${callee.property.name}`;
  return ["Date.now", "Math.random", "performance.now"].includes(called) ? called : undefined;
}

const childActors = [
  "spawnChild",
  "sendTo",
  "sendParent",
  "forwardTo",
  "stopChild",
  "fromPromise",
  "fromCallback",
  "fromObservable",
];

const machineHasNoChildren = rule(inMachines, (context) => ({
  ImportSpecifier(node) {
    const name = node.imported.type === "Identifier" ? node.imported.name : node.imported.value;
    if (childActors.includes(String(name))) {
      context.report({
        node,
        message: `No machine here uses ${name}: XState would create real actors inside a pure step`,
        hint: "give an order (effect); the actor layer spawns and sends",
      });
    }
  },
  Property(node) {
    if (nameOf(node.key) !== "invoke" || !isInside(context, node, "createMachine")) return;
    context.report({ node, message: "No machine here invokes actors", hint: "give an order (effect) in `entry`" });
  },
}));

const namedInCharts = rule(inMachines, (context) => ({
  Property(node) {
    const key = nameOf(node.key);
    if (key === undefined || !["guard", "actions", "entry", "exit", "after"].includes(key)) return;
    if (!isInside(context, node, "createMachine")) return;
    if (key === "after") {
      if (node.value.type !== "ObjectExpression") return;
      for (const delay of node.value.properties) {
        if (delay.type !== "Property" || delay.key.type !== "Literal" || typeof delay.key.value !== "number") continue;
        context.report({
          node: delay,
          message: "A delay in a chart has a name",
          hint: "name it in setup({ delays }); the number is not for the reader of the chart",
        });
      }
      return;
    }
    for (const value of node.value.type === "ArrayExpression" ? node.value.elements : [node.value]) {
      if (value === null || !isInline(value)) continue;
      context.report({
        node: value,
        message: `${key === "guard" ? "A guard" : "An action"} in a chart has a name`,
        hint: `declare it in setup({ ${
          key === "guard" ? "guards" : "actions"
        } }) and name it here; data comes by params`,
      });
    }
  },
}));

function isInline(value: Deno.lint.Node): boolean {
  if (value.type === "ArrowFunctionExpression" || value.type === "FunctionExpression") return true;
  return value.type === "CallExpression" && value.callee.type === "Identifier" &&
    ["assign", "enqueueActions", "effect"].includes(value.callee.name);
}

const machineBoundsIterations = rule(inMachines, (context) => ({
  CallExpression(node) {
    if (calleeName(node) !== "createMachine") return;
    const config = node.arguments[0];
    if (config?.type !== "ObjectExpression" || hasOption(config, ["options", "maxIterations"])) return;
    context.report({
      node,
      message: "A machine bounds its eventless transitions: XState's own limit is infinity",
      hint: "add `options: { maxIterations: 100 }`",
    });
  },
}));

function hasOption(object: Deno.lint.ObjectExpression, [name, ...inner]: string[]): boolean {
  const property = object.properties.find((each) => each.type === "Property" && nameOf(each.key) === name);
  if (property === undefined || property.type !== "Property") return false;
  return inner.length === 0 || (property.value.type === "ObjectExpression" && hasOption(property.value, inner));
}

const effectInSetup = rule(({ path }) => path !== "machines/effect.ts", (context) => ({
  CallExpression(node) {
    if (node.callee.type !== "Identifier" || node.callee.name !== "effect" || isInside(context, node, "setup")) return;
    context.report({
      node,
      message: "An order is declared where its machine is",
      hint: "write effect(...) inside setup({ actions }): its key there is the order's name",
    });
  },
}));

const denoInItsPlaces = rule((place) => !mayUseDeno(place) && !inMachines(place), (context) => ({
  MemberExpression(node) {
    if (node.object.type !== "Identifier" || node.object.name !== "Deno") return;
    context.report({
      node,
      message: "Deno is reached through a port here",
      hint: "use or extend an interface of ports/; its real twin in actors/ may call Deno",
    });
  },
}));

const timeThroughPorts = rule((place) => !mayReadClock(place) && !inMachines(place), (context) => {
  const refuse = (node: Deno.lint.Node, what: string) =>
    context.report({
      node,
      message: `${what} is reached through a port here, so that a simulation can be run again`,
      hint: "take a Clock or a Random (ports/)",
    });
  return {
    CallExpression(node) {
      const clock = clockCall(node);
      if (clock !== undefined) refuse(node, clock);
      if (node.callee.type !== "Identifier") return;
      if (["setTimeout", "setInterval", "setImmediate"].includes(node.callee.name)) refuse(node, node.callee.name);
    },
    NewExpression(node) {
      const clock = clockCall(node);
      if (clock !== undefined) refuse(node, clock);
    },
  };
});

const errorSaysWhatCannotBeDone = rule(({ folder }) => folder !== "tests" && folder !== "bench", (context) => ({
  ThrowStatement(node) {
    const { argument } = node;
    if (argument.type !== "NewExpression" || argument.callee.type !== "Identifier") return;
    if (!["Error", "TypeError", "RangeError"].includes(argument.callee.name)) return;
    const said = beginningOf(argument.arguments[0]);
    if (said === undefined || said.startsWith("Cannot ")) return;
    context.report({
      node: argument,
      message: "An error says what could not be done, then why, with the value",
      hint: "begin with `Cannot <do what>: <why>`",
    });
  },
}));

/** The text that a message begins with, as far as it is known before it runs. */
function beginningOf(message: Deno.lint.Node | undefined): string | undefined {
  if (message?.type === "Literal" && typeof message.value === "string") return message.value;
  if (message?.type !== "TemplateLiteral") return undefined;
  const first = message.quasis[0]?.cooked ?? "";
  return first === "" ? undefined : first;
}

function nameOf(key: Deno.lint.Node): string | undefined {
  if (key.type === "Identifier") return key.name;
  return key.type === "Literal" ? String(key.value) : undefined;
}

function calleeName(node: Deno.lint.CallExpression): string | undefined {
  if (node.callee.type === "Identifier") return node.callee.name;
  return node.callee.type === "MemberExpression" ? nameOf(node.callee.property) : undefined;
}

/** Whether the node is part of the arguments of a call of that name. */
function isInside(context: Context, node: Deno.lint.Node, call: string): boolean {
  return context.sourceCode.getAncestors(node).some((above) =>
    above.type === "CallExpression" && calleeName(above) === call
  );
}

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "machine-is-pure": machineIsPure,
    "machine-has-no-children": machineHasNoChildren,
    "named-in-charts": namedInCharts,
    "machine-bounds-iterations": machineBoundsIterations,
    "effect-in-setup": effectInSetup,
    "deno-in-its-places": denoInItsPlaces,
    "time-through-ports": timeThroughPorts,
    "error-says-what-cannot-be-done": errorSaysWhatCannotBeDone,
  },
};

export default plugin;
