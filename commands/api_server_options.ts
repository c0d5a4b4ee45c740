/** The API server's options as `up` and `master` take them. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type FlagKind, type FlagRow, flagRows } from "./api_server_flags_table.ts";

const group = "The API server, by kube-apiserver's options:";
/** Their names are long: at a terminal's usual 80 no room is left for what they mean. */
const helpWidth = 100;

/** The options, for a command's help. */
export function apiServerOptions(command: Command): Command {
  command.configureHelp({ helpWidth });
  for (const row of flagRows) {
    const option = new Option(`--${row.flag}${placeholder(row)}`, row.says).helpGroup(group);
    if (row.choices !== undefined) option.choices([...row.choices]);
    else if (row.kind === "number") option.argParser(count);
    else if (row.kind === "list") option.argParser((text: string, before?: string[]) => [...before ?? [], text]);
    command.addOption(option);
  }
  return command;
}

function placeholder({ kind }: FlagRow): string {
  const names: Readonly<Record<FlagKind, string>> = {
    file: " <file>",
    log: " <file>",
    number: " <number>",
    text: " <text>",
    list: " <text>",
    switch: "",
  };
  return names[kind];
}

function count(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}
