/** The kernel's packet filter, through `nft` and `conntrack`. */
import type { PacketFilter } from "../../ports/packet_filter.ts";
import { runTool, ToolError } from "./run_tool.ts";

export class NftPacketFilter implements PacketFilter {
  async apply(script: string): Promise<void> {
    await runTool("nft", ["-f", "-"], { what: "apply packet-filter rules", input: script });
  }

  async tables(): Promise<string[]> {
    const listed = await runTool("nft", ["list", "tables", "ip"], { what: "list packet-filter tables" });
    return [...listed.matchAll(/^table ip (\S+)$/gm)].map(([, name]) => name!).sort();
  }

  /** Both kinds of flow are forgotten: those translated to the endpoint, and those sent to that address itself. */
  async forgetConnections(flows: Parameters<PacketFilter["forgetConnections"]>[0]): Promise<void> {
    for (const { protocol, destination, port } of flows) {
      for (const side of ["reply-src", "orig-dst"]) {
        const portSide = side === "reply-src" ? "reply-port-src" : "orig-port-dst";
        const args = ["-D", "-p", protocol, `--${side}`, destination, `--${portSide}`, String(port)];
        try {
          await runTool("conntrack", args, { what: `forget connections to ${destination}:${port}` });
        } catch (error) {
          // It ends with 1 when there was nothing to delete.
          if (!(error instanceof ToolError && error.said.includes("0 flow entries"))) throw error;
        }
      }
    }
  }
}
