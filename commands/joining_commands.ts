/** The commands about machines that join: tokens, workers, masters, members. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { defaultDirectory } from "./cluster_state.ts";
import { absolute, type ClusterOptions, clusterState, forCluster } from "./program.ts";

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(text: string): number {
  const [, count, unit = "s"] = /^(\d+)([smhd])?$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * units[unit]!;
  throw new InvalidArgumentError('It must be a time such as "90s", "30m", "24h" or "7d"; 0: for ever.');
}

/** Of a machine: where its state is, and its name. */
function machine({ name, state }: { name?: string; state?: string }): { name: string; directory: string } {
  const own = name ?? Deno.hostname();
  return { name: own, directory: state === undefined ? defaultDirectory(own) : absolute(state) };
}

export function joiningCommands(program: Command): void {
  const token = program.command("token").description("tokens with which workers and masters join this cluster");
  forCluster(token.command("create"))
    .description("make a token and print the command that joins with it")
    .option("--master", "for a master: whoever has it is handed the cluster's keys")
    .option("--ttl <time>", "how long it is good for; 0: for ever", duration, units["d"]!)
    .option("--description <text>", "what it is for")
    .action(async (options) => (await import("./token.ts")).createToken(clusterState(options), options));
  forCluster(token.command("list"))
    .description("show the tokens, without their secrets")
    .action(async (options) => (await import("./token.ts")).listTokens(clusterState(options)));
  forCluster(token.command("delete"))
    .description("delete a token: nobody joins with it any more")
    .argument("<token>", "its first six letters, or all of it")
    .action(async (id, options) => (await import("./token.ts")).deleteToken(clusterState(options), id));

  program.command("worker")
    .description("join a cluster as a node and run its pods until Ctrl-C; later starts need no token")
    .option("--join <server>", "https://host:port of a master")
    .option("--token <token>", "from chartroom token create")
    .option("--ca-hash <hash>", "sha256:... of the cluster's authority, from chartroom token create")
    .option("--name <name>", "name of the node (default: the host's)")
    .option("--state <directory>", "where its keys and volumes are kept (default: $XDG_DATA_HOME/chartroom/NAME)")
    .option(
      "--node-address <address>",
      "where masters reach the node (default: the address from which it reaches --join, unless that is on this host)",
    )
    .addOption(
      new Option("--runtime <runtime>", "what runs containers; simulated: nothing does").choices([
        "docker",
        "simulated",
      ]).default("docker"),
    )
    .option("--leave", "remove its containers, links and state from this host")
    .action(async (options) => {
      const { name, directory } = machine(options);
      if (options.leave) return await (await import("./leave.ts")).leave(directory, name);
      await (await import("./worker.ts")).runWorker(directory, name, options);
    });

  program.command("master")
    .description("join a cluster (up --masters) as one more master, until Ctrl-C; later starts need no token")
    .option("--join <server>", "https://host:port of a master, or of the control plane endpoint")
    .option("--token <token>", "from chartroom token create --master")
    .option("--ca-hash <hash>", "sha256:... of the cluster's authority, from chartroom token create")
    .option("--name <name>", "name of the master (default: the host's)")
    .option(
      "--advertise-address <address>",
      "where other hosts reach it (default: the address from which it reaches --join)",
    )
    .option("--bind-address <address>", "where it listens for them, if that is another address; 0.0.0.0: everywhere")
    .option("--control-plane-endpoint <endpoint>", "host:port before all masters (default: the cluster's)")
    .option("--state <directory>", "where its keys and store are kept (default: $XDG_DATA_HOME/chartroom/NAME)")
    .addOption(
      new Option("--runtime <runtime>", "the cluster's; simulated: pods have no network").choices([
        "docker",
        "simulated",
      ])
        .default("docker"),
    )
    .action(async (options) => {
      const { name, directory } = machine(options);
      await (await import("./joined_master.ts")).runMaster(directory, name, options);
    });

  const member = program.command("member").description("the masters' members of the replicated store");
  const changed = async (change: string, name: string | undefined, options: ClusterOptions) =>
    (await import("./member.ts")).changeMember(clusterState(options), change, name);
  forCluster(member.command("list"))
    .description("show each member's name, role, term, applied index, process and address")
    .action(async (options) => (await import("./member.ts")).listMembers(clusterState(options)));
  forCluster(member.command("add"))
    .description("make a token and print the command with which one more master joins")
    .argument("<member>", "its name")
    .option("--ttl <time>", "how long the token is good for; 0: for ever", duration, units["d"]!)
    .action(async (name, options) => (await import("./member.ts")).addMember(clusterState(options), name, options.ttl));
  forCluster(member.command("promote"))
    .description("give a learner that has caught up a vote")
    .argument("<member>", "its name or id")
    .action((name, options) => changed("promote", name, options));
  forCluster(member.command("remove"))
    .description("remove a member for ever: its id is never used again")
    .argument("<member>", "its name or id")
    .action((name, options) => changed("remove", name, options));
  forCluster(member.command("move-leader"))
    .description("hand leadership over")
    .argument("[member]", "to whom, by name or id (default: who is furthest)")
    .action((name, options) => changed("move-leader", name, options));
}
