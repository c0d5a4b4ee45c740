/** An error of an evaluation in cel-go's words, which users of Kubernetes know. */
export function evaluationText(error: unknown): string {
  const text = (error as { summary?: string }).summary ?? (error as Error).message;
  for (const [pattern, said] of translations) if (pattern.test(text)) return text.replace(pattern, said);
  return text;
}

const translations: readonly (readonly [RegExp, string])[] = [
  [/^No such key: index out of bounds, index (-?\d+) .*$/s, "index out of bounds: $1"],
  [/^No such key: (.*)$/s, "no such key: $1"],
  [
    /^(?:no such overload|found no matching overload|Cannot index type|Logical operator requires bool).*$/s,
    "no such overload",
  ],
  [/^(?:Ternary condition must be bool|Field '.*' is not of type|List item with index).*$/s, "no such overload"],
  [/^modulo by zero$/, "modulus by zero"],
  [/^integer overflow: .*$/, "integer overflow"],
  [/^Unknown variable: (\S+)$/, "no such attribute(s): $1"],
];
