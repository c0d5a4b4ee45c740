/** Field numbers and types of the protobuf encoding against a recorded table of a 1.36 server's messages. */
import { assertEquals } from "@std/assert";
import { definitionNames } from "../../../http/schema/definitions.ts";
import { findStruct, goKeyOf, type GoType } from "../../../http/schema/go_types.ts";
import { isWrappedList, type Message, messageOf } from "../../../http/schema/protobuf_messages.ts";
import { recording } from "./recording.ts";

type Field = readonly [number: number, type: string, repeated?: string];
const messages = recording("protobuf-fields.json") as Record<string, Record<string, Field>> | undefined;

/** `io.k8s.api.core.v1.Pod` as protobuf names it. */
function messageName(definition: string): string {
  return definition.replace(/^io\.k8s/, "k8s.io").replace("apiextensions-apiserver", "apiextensions_apiserver")
    .replace("kube-aggregator", "kube_aggregator");
}

/** The type as a .proto file writes it, without the package. */
function protoType(type: GoType): string {
  const scalars: Partial<Record<GoType["kind"], string>> = {
    string: "string",
    bool: "bool",
    float: "double",
    bytes: "bytes",
    quantity: "Quantity",
    intOrString: "IntOrString",
  };
  if (type.kind === "int") return `int${type.bits}`;
  if (type.kind === "map") return `map<string,${protoType(type.element as GoType)}>`;
  if (type.kind === "list" && !isWrappedList(type)) return `${protoType(type.element as GoType)} repeated`;
  return scalars[type.kind] ?? type.struct?.name ?? type.text.split(".").at(-1) ?? "";
}

function rowsOf(message: Message): Record<number, string> {
  return Object.fromEntries([...message.slots].map(([number, slot]) => [
    number,
    "embedded" in slot ? "embedded" : protoType(slot.field.type),
  ]));
}

function recordedRows(fields: Record<string, Field>, own: Record<number, string>): Record<number, string> {
  return Object.fromEntries(
    Object.values(fields).map(([number, type, repeated]) => {
      const bare = type.replace(/[\w.]*\.(\w+)/g, "$1");
      const text = repeated === undefined ? bare : `${bare} repeated`;
      return [number, own[number] === "embedded" ? "embedded" : text];
    }),
  );
}

Deno.test("protobuf messages have the recorded numbers and types", { ignore: messages === undefined }, () => {
  const deviations: unknown[] = [];
  let compared = 0;
  for (const name of definitionNames()) {
    const struct = findStruct(goKeyOf(name));
    const fields = messages?.[messageName(name)];
    if (struct === undefined || fields === undefined) continue;
    compared++;
    const own = rowsOf(messageOf(struct));
    const wanted = recordedRows(fields, own);
    if (JSON.stringify(own) !== JSON.stringify(wanted)) deviations.push({ name, own, wanted });
  }
  assertEquals(deviations, []);
  assertEquals(compared > 500, true);
});
