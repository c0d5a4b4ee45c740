/**
 * Beside Docker. Its FORWARD policy is DROP, and an accept in a table of ours does not override it: a packet has to be
 * accepted in every table. So our traffic is accepted in DOCKER-USER, the chain Docker leaves to others; where Docker
 * has not been yet, in FORWARD. Each rule carries a comment that tells whose it is.
 */
import { runTool, ToolError } from "../nftables/run_tool.ts";

const chains = ["DOCKER-USER", "FORWARD"];

function ruleFor(owner: string, direction: "-s" | "-d", podCidr: string): string[] {
  return [direction, podCidr, "-m", "comment", "--comment", `chartroom ${owner}`, "-j", "ACCEPT"];
}

/** Whether iptables said yes. A host without it has no such chains either. */
async function ask(args: readonly string[]): Promise<boolean> {
  try {
    await runTool("iptables", ["-w", "5", ...args], { what: "ask iptables" });
    return true;
  } catch (error) {
    if (error instanceof ToolError || isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Deno.errors.NotFound;
}

let turn: Promise<unknown> = Promise.resolve();

/** Makes sure that traffic from and to the pods is forwarded. Idempotent; to be called again when dockerd starts. */
export function acceptForwarding(owner: string, podCidr: string): Promise<void> {
  // One after the other: nodes of one host that look and insert at the same time would insert twice.
  const mine = turn.then(() => insertMissing(owner, podCidr));
  turn = mine.catch(() => {}); // Whoever asked hears of it.
  return mine;
}

async function insertMissing(owner: string, podCidr: string): Promise<void> {
  if (!await ask(["-n", "-L", "FORWARD"])) return;
  const chain = await ask(["-n", "-L", "DOCKER-USER"]) ? "DOCKER-USER" : "FORWARD";
  for (const direction of ["-s", "-d"] as const) {
    const rule = ruleFor(owner, direction, podCidr);
    if (await ask(["-C", chain, ...rule])) continue;
    await runTool("iptables", ["-w", "5", "-I", chain, "1", ...rule], { what: `accept forwarding of ${podCidr}` });
  }
}

/** Takes the rules back, wherever they stand and however often. */
export async function stopAcceptingForwarding(owner: string, podCidr: string): Promise<void> {
  for (const chain of chains) {
    for (const direction of ["-s", "-d"] as const) {
      while (await ask(["-D", chain, ...ruleFor(owner, direction, podCidr)]));
    }
  }
}
