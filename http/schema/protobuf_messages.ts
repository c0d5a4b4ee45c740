/** How Go structs lie in Kubernetes' protobuf encoding: numbers, and where embedded structs are messages of their own. */
import type { GoField, GoStruct, GoType } from "./go_types.ts";

/** `k8s\0`, in front of every message; then runtime.Unknown. */
export const magic: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

export type Slot = { readonly field: GoField } | { readonly embedded: Message };

export interface Message {
  readonly slots: ReadonlyMap<number, Slot>;
}

const messages = new WeakMap<GoStruct, Message>();

export function messageOf(struct: GoStruct): Message {
  let message = messages.get(struct);
  if (message === undefined) messages.set(struct, message = build([...struct.fields.values()], 0));
  return message;
}

function build(fields: readonly GoField[], depth: number): Message {
  const slots = new Map<number, Slot>();
  const inner = new Map<number, GoField[]>();
  for (const field of fields) {
    const number = field.numbers[depth];
    if (number === undefined) continue;
    if (field.numbers.length === depth + 1) slots.set(number, { field });
    else inner.set(number, [...inner.get(number) ?? [], field]);
  }
  for (const [number, group] of inner) slots.set(number, { embedded: build(group, depth + 1) });
  return { slots };
}

/** Lists that protobuf wraps in a message of their own, as map values cannot be lists. */
export function isWrappedList(type: GoType): boolean {
  return type.kind === "list" && (type.text === "v1.ExtraValue" || type.text === "v1.Verbs");
}
