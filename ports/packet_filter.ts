/** The kernel's packet filter: one table of our own, replaced or changed in one atomic transaction. */
export interface PacketFilter {
  /**
   * Applies an nftables script (`nft -f` syntax) atomically: all of it or nothing.
   *
   * @throws Error with what `nft` said; nothing has changed then.
   */
  apply(script: string): Promise<void>;
  /** The names of tables of family `ip` that exist. */
  tables(): Promise<string[]>;
  /** Forgets UDP connections to endpoints that are gone, so that the next packet is balanced anew. */
  forgetConnections(flows: readonly { protocol: "udp"; destination: string; port: number }[]): Promise<void>;
}
