/** `$(NAME)` in commands, arguments and values (Kubernetes "Define Dependent Environment Variables"). */

/** `$$` is a dollar sign; a name that is not known stays as it is written. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    const next = text[at + 1];
    if (char !== "$" || next === undefined) {
      out += char;
      continue;
    }
    if (next === "$") {
      out += "$";
      at++;
    } else if (next === "(") {
      const end = text.indexOf(")", at + 2);
      if (end < 0) {
        out += "$(";
        at++;
        continue;
      }
      const name = text.slice(at + 2, end);
      out += variables.get(name) ?? `$(${name})`;
      at = end;
    } else {
      out += "$" + next;
      at++;
    }
  }
  return out;
}
