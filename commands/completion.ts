/** Completion scripts, made from the commands themselves. */
import type { Command } from "commander";

const makers: Readonly<Record<string, (program: Command) => string>> = { bash, zsh, fish };

export function printCompletion(program: Command, shell: string): void {
  const make = makers[shell];
  if (make === undefined) {
    throw new Error(`Cannot complete for "${shell}": it can be ${Object.keys(makers).join(", ")}`);
  }
  console.log(make(program));
}

function visibleOptions(command: Command): string[] {
  return command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? "").concat("--help");
}

function bash(program: Command): string {
  const names = program.commands.map((command) => command.name());
  const cases = program.commands.map((command) =>
    `    ${command.name()}) words="${visibleOptions(command).join(" ")}" ;;`
  );
  return [
    "_chartroom() {",
    '  local words="" current="${COMP_WORDS[COMP_CWORD]}"',
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    `    *) words="${names.join(" ")} --help" ;;`,
    "  esac",
    `  [ "$COMP_CWORD" -gt 1 ] || words="${names.join(" ")} --help"`,
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _chartroom chartroom ./chartroom",
  ].join("\n");
}

function zsh(program: Command): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(program)}`;
}

function fish(program: Command): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const lines = program.commands.flatMap((command) => [
    `complete -c chartroom -n __fish_use_subcommand -a ${command.name()} -d ${quote(command.description())}`,
    ...command.options.filter(({ hidden, long }) => !hidden && long !== undefined).map(({ long, description }) =>
      `complete -c chartroom -n '__fish_seen_subcommand_from ${command.name()}' -l ${long!.slice(2)} -d ${
        quote(description)
      }`
    ),
  ]);
  return ["complete -c chartroom -f", ...lines].join("\n");
}
