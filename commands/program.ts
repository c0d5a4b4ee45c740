/** The commands, with their options and help. What they do is in files of their own. */
import { Command, InvalidArgumentError, Option } from "commander";
import { apiServerOptions } from "./api_server_options.ts";
import { explainableKinds } from "./explain_kinds.ts";
import { inspectionCommands } from "./inspection_commands.ts";
import { ClusterState, defaultDirectory, defaultName } from "./cluster_state.ts";
import { joiningCommands } from "./joining_commands.ts";

/** Options that say which cluster is meant. */
export interface ClusterOptions {
  readonly name: string;
  readonly state?: string;
}

export function clusterState({ name, state }: ClusterOptions): ClusterState {
  return new ClusterState(name, state === undefined ? defaultDirectory(name) : absolute(state));
}

export function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}

export function forCluster(command: Command): Command {
  return command
    .option("--name <name>", "name of the cluster; several live side by side", defaultName)
    .option("--state <directory>", "where its state is kept (default: $XDG_DATA_HOME/chartroom/NAME)");
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

const installOption = () => new Option("--install", "install what is missing first (done by the launcher)");

export function createProgram(): Command {
  const program = new Command("chartroom")
    .description("A Kubernetes-compatible cluster whose every component and pod is a state chart you can watch.")
    .addHelpText("after", "\nEach command tells more: chartroom up --help")
    .showHelpAfterError("(add --help for what can be said)");

  forCluster(program.command("up"))
    .description("bring a cluster up and keep it running until Ctrl-C or `down`; pods outlive it, and are adopted")
    .option("--nodes <count>", "how many nodes, each with an address of its own (default: 1)", wholeNumber(1, 100))
    .addOption(
      new Option("--workers <count>", "the same as --nodes").argParser(wholeNumber(1, 100)),
    )
    .option("--masters <count>", "that many masters with a replicated store, each a process", wholeNumber(1, 7))
    .option("--advertise-address <address>", "where other hosts reach its masters and join; noted in the state")
    .option("--bind-address <address>", "where it listens for them, if that is another address; 0.0.0.0: everywhere")
    .option(
      "--control-plane-endpoint <endpoint>",
      "host:port before all masters that you balance: for kubeconfigs and certificates; noted in the state",
    )
    .addOption(
      new Option(
        "--runtime <runtime>",
        "what runs containers; simulated: nothing does, pods only go through their lives",
      )
        .choices(["docker", "simulated"]).default("docker"),
    )
    .option(
      "--simulated-nodes <count>",
      "how many nodes on which nothing runs: pods go through their lives, without Docker; --nodes are beside them",
      wholeNumber(1, 10_000),
    )
    .option("--behaviours <file>", "how pods behave on simulated nodes, and what those have; YAML")
    .option("--store <url>", "keep its objects in an etcd of yours: etcd://host:port,...[/prefix]; noted in the state")
    .option("--store-ca <file>", "the authority of that etcd's certificate; with it, TLS is spoken")
    .option("--store-cert <file>", "the certificate that is shown to it")
    .option("--store-key <file>", "the key of that certificate")
    .option("--store-user <name>", "the user it knows the cluster by")
    .option("--store-password-file <file>", "where the user's password is")
    .option("--detach", "return once the cluster is ready and leave it running in the background")
    .option("--boot", "have systemd start it, now and with the machine, until `down`")
    .option("--split", "run the master and each node as processes of their own, started again when they die")
    .option("--history <bound>", "keep what every actor does on disk, for a time or up to a size: 1h, 200MB")
    .option("--inspect-send", "let administrators send events to actors from the inspector's page")
    .option("--overcommit", "give every node the whole host's capacity instead of a share of it")
    .addOption(installOption())
    .option("--print-command", "print the plain `deno run` line and stop (done by the launcher)")
    .addOption(
      new Option("--role <role>", "run only this role; used by --split").choices(["master", "node"]).hideHelp(),
    )
    .addOption(
      new Option("--number <number>", "the node's; used by --split").argParser(wholeNumber(0, 253)).default(0)
        .hideHelp(),
    )
    .action(async (options) => (await import("./up.ts")).up(clusterState(options), options));

  forCluster(program.command("down"))
    .description("stop a cluster and remove its containers, links and rules; its state stays, `up` brings it back")
    .option("--delete-state", "remove its state as well: everything in the cluster is gone then")
    .action(async (options) => (await import("./down.ts")).down(clusterState(options), options));

  forCluster(program.command("restart"))
    .description("restart the masters of `up --masters`, one after the other, while the cluster goes on")
    .action(async (options) => (await import("./restart.ts")).restart(clusterState(options)));

  forCluster(program.command("status"))
    .description("say whether a cluster runs, and how its parts are")
    .addHelpText(
      "after",
      "\nExit codes: 0 it runs, 1 there is no such cluster, 3 it does not run, 4 it is being started or stopped.",
    )
    .action(async (options) => (await import("./status.ts")).status(clusterState(options)));

  forCluster(program.command("kubeconfig"))
    .description("print the administrator's kubeconfig")
    .option("--path", "print the path of the file instead")
    .action(async (options) => (await import("./kubeconfig.ts")).printKubeconfig(clusterState(options), options));

  forCluster(program.command("explain"))
    .description("say in plain words where an object's actors are in their charts, why, and what would move them on")
    .argument("<kind>", `${explainableKinds.join(", ")}; plurals and short names too`)
    .argument("<name>", "the object's name")
    .option("-n, --namespace <namespace>", "namespace of the object", "default")
    .action(async (kind, name, options) =>
      (await import("./explain.ts")).explain(clusterState(options), kind, name, options)
    );

  const snapshot = program.command("snapshot").description("the whole store of a cluster, as a file");
  forCluster(snapshot.command("save"))
    .description("write every object of a cluster that runs to a file; it holds secrets")
    .argument("<file>")
    .action(async (file, options) =>
      (await import("./snapshot.ts")).saveSnapshot(clusterState(options), absolute(file))
    );
  forCluster(snapshot.command("restore"))
    .description("make the store of a state directory that has none from such a file; `up` brings the cluster up then")
    .argument("<file>")
    .action(async (file, options) =>
      (await import("./snapshot.ts")).restoreSnapshot(clusterState(options), absolute(file))
    );

  joiningCommands(program);
  for (const command of program.commands) if (/^(up|master)$/.test(command.name())) apiServerOptions(command);

  inspectionCommands(program, { forCluster, clusterState });

  program.command("test")
    .description("run Chartroom's own tests")
    .argument("[suites...]", "which suites (default: all that this machine can run)")
    .option("--fast", "unit and model tests only, about a minute")
    .addOption(installOption())
    .action(async (suites, options) => (await import("./test.ts")).test(suites, options));

  program.command("simulate")
    .description("run whole clusters in simulated time, with faults, and check what must hold at every moment")
    .option("--seed <seed>", "the first seed; everything that happens follows from it", wholeNumber(0, 2 ** 31), 1)
    .option("--seeds <count>", "how many seeds, one after the other", wholeNumber(1, 1_000_000), 1)
    .option("--nodes <count>", "how many nodes", wholeNumber(1, 100), 3)
    .option("--masters <count>", "how many masters (default: one or three, as the seed draws)", wholeNumber(1, 7))
    .option("--minutes <minutes>", "how long things happen, in simulated minutes", wholeNumber(1, 10_000), 10)
    .option("--faults <list>", "kinds of faults with commas between them, all or none", "all")
    .option("--idle", "nobody uses the cluster")
    .option("--trace <file>", "write everything that happens, line by line; - is the standard output")
    .option("--record <file>", "write what each actor did, for check --trace; - is the standard output")
    .option("--only <part>", "the part of the schedule that a failure was shrunk to")
    .option("--no-shrink", "tell of a failure as it is")
    .action(async (options) => (await import("./simulate.ts")).simulateCommand(options));

  program.command("check")
    .description("go through every state of the models of what ships, and tell what can go wrong as a story")
    .argument("[model]", "a model, or what several names begin with: pod, pod/crash (default: all small ones)")
    .option("--list", "say which models there are")
    .option("--all", "the large ones too")
    .option("--coverage", "name the states, edges and guards of the charts that no model came by")
    .addOption(
      new Option("--format <format>", "how a broken rule is told")
        .choices(["story", "mermaid", "svg", "json", "inspector"]).default("story"),
    )
    .option(
      "--workers <count>",
      "so many workers: each checks a model, or all of them the one that is named, where its rules allow it",
      wholeNumber(1, 64),
      1,
    )
    .option("--replay <file>", "play a broken rule's run (--format json) on live actors; - is the standard input")
    .option("--trace <file>", "whether a recorded run (simulate --record) is one that the charts allow; - as above")
    .action(async (model, options) => (await import("./check.ts")).check(model, options));

  program.command("version")
    .description("print the versions of Chartroom and of the API it serves")
    .action(async () => (await import("./version.ts")).printVersion());

  program.command("completion")
    .description("print a completion script for your shell: source <(chartroom completion bash)")
    .argument("<shell>", "bash, zsh or fish")
    .action(async (shell) => (await import("./completion.ts")).printCompletion(program, shell));

  return program;
}
