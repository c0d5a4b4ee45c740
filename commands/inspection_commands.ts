/** Commands that look at the statecharts of a cluster, and at the charts themselves. */
import { type Command, Option } from "commander";
import type { ClusterState } from "./cluster_state.ts";

interface Helpers<Options> {
  forCluster(command: Command): Command;
  clusterState(options: Options): ClusterState;
}

function forActors(command: Command): Command {
  return command
    .argument("[selector]", "KIND/NAME, LABEL=VALUE, or words that occur in the address or the state")
    .option("-n, --namespace <namespace>", "only of this namespace")
    .option("--kind <kind>", "only actors of this kind: pod, container, scheduling ...")
    .option("--node <node>", "only of this node or process")
    .option("--in <state>", "only who is in this state, or in one inside it")
    .option("--problems", "only who has a problem");
}

// deno-lint-ignore no-explicit-any -- what commander hands to an action
export function inspectionCommands(program: Command, { forCluster, clusterState }: Helpers<any>): void {
  forCluster(program.command("inspect"))
    .description("print a link to the live page of the cluster's statecharts, good once and for two minutes")
    .option("--open <file>", "show a recording instead, without a cluster; -: what is piped in")
    .option("--listen <port>", "show XState apps that use @statelyai/inspect instead, without a cluster")
    .action(async (options) =>
      options.open !== undefined || options.listen !== undefined
        ? (await import("./inspect_alone.ts")).inspectAlone(options)
        : (await import("./inspect.ts")).inspect(clusterState(options))
    );

  forActors(forCluster(program.command("watch")))
    .description("show a live table of actors and the states they are in, problems first")
    .option("--once", "print it once")
    .action(async (selector, options) => (await import("./watch.ts")).watch(clusterState(options), selector, options));

  forActors(forCluster(program.command("events")))
    .description("say what actors did: event, from whom, to which state, what they ordered")
    .option("-f, --follow", "go on as it happens")
    .addOption(new Option("-o, --output <output>", "words, or the records as JSON").choices(["words", "json"]))
    .action(async (selector, options) =>
      (await import("./events.ts")).events(clusterState(options), selector, options)
    );

  program.command("chart")
    .description("print one of the charts that Chartroom is made of")
    .argument("[machine]", "which; without it their names are printed")
    .addOption(
      new Option("--format <format>", "a picture, a diagram for documents, data, or what XState's createMachine takes")
        .choices(["svg", "mermaid", "json", "xstate"]).default("mermaid"),
    )
    .action(async (machine, options) => (await import("./chart.ts")).chart(machine, options));
}
