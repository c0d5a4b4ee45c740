/** Completion scripts, made from the commands themselves. */
import type { Command } from "commander";
import { explainableKinds } from "./explain_kinds.ts";

const makers: Readonly<Record<string, (program: Command) => string>> = { bash, zsh, fish };
export const shells = Object.keys(makers);

export function completionScript(program: Command, shell: string): string {
  const make = makers[shell];
  if (make === undefined) throw new Error(`Cannot complete for "${shell}": it can be ${shells.join(", ")}`);
  return make(program);
}

export function printCompletion(program: Command, shell: string): void {
  console.log(completionScript(program, shell));
}

function visibleOptions(command: Command) {
  return command.options.filter(({ hidden }) => !hidden);
}

/** What can stand for a command's first argument, where that is known. */
function argumentsOf(command: Command): readonly string[] {
  return { completion: shells, explain: explainableKinds }[command.name()] ?? [];
}

function bash(program: Command): string {
  const names = program.commands.map((command) => command.name());
  const cases = program.commands.map((command) => {
    const words = [...visibleOptions(command).map(({ long }) => long), "--help"].join(" ");
    return `    ${command.name()}) words="${words}" arguments="${argumentsOf(command).join(" ")}" ;;`;
  });
  const values = new Map(
    program.commands.flatMap((command) =>
      visibleOptions(command).filter(({ required }) => required).map(({ long, argChoices = [] }) =>
        [long ?? "", argChoices.join(" ")] as const
      )
    ),
  );
  return [
    "_chartroom() {",
    '  local words="" arguments="" current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
    '  case "$previous" in',
    ...[...values].map(([option, choices]) =>
      `    ${option}) COMPREPLY=($(compgen -W "${choices}" -- "$current")); return ;;`
    ),
    "  esac",
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac",
    `  [ "$COMP_CWORD" -gt 1 ] || words="${names.join(" ")} --help"`,
    '  if [ "$COMP_CWORD" -eq 2 ] && [ -n "$arguments" ] && [ "${current#-}" = "$current" ]; then words=$arguments; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _chartroom chartroom ./chartroom",
  ].join("\n");
}

function zsh(program: Command): string {
  return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(program)}`;
}

function fish(program: Command): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const lines = program.commands.flatMap((command) => {
    const seen = `-n '__fish_seen_subcommand_from ${command.name()}'`;
    const words = argumentsOf(command);
    return [
      `complete -c chartroom -n __fish_use_subcommand -a ${command.name()} -d ${quote(command.description())}`,
      ...words.length === 0 ? [] : [`complete -c chartroom ${seen} -a ${quote(words.join(" "))}`],
      ...visibleOptions(command).map(({ long, description, argChoices, required }) => {
        const value = argChoices === undefined ? required ? " -r" : "" : ` -x -a ${quote(argChoices.join(" "))}`;
        return `complete -c chartroom ${seen} -l ${long!.slice(2)} -d ${quote(description)}${value}`;
      }),
    ];
  });
  return ["complete -c chartroom -f", ...lines].join("\n");
}
