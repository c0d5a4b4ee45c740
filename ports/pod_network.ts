/** A pod's place on the network: a veth pair from its sandbox's network namespace to the node's bridge. */
export interface PodNetwork {
  /**
   * Wires the sandbox and answers its address. Idempotent: a sandbox that is wired already keeps its address.
   * `pid` is the sandbox's process, whose network namespace is wired.
   *
   * @throws Error when the node's pod range is used up, or with what `ip` said.
   */
  attach(sandbox: { id: string; pid: number; podKey: string }): Promise<{ podIP: string }>;
  /** Frees the address and removes what is left of the link. Idempotent; the sandbox may be long gone. */
  detach(sandboxId: string): Promise<void>;
  /** Sandboxes that are wired now, by id; for adoption and for finding leaks. */
  list(): Promise<ReadonlyMap<string, { podIP: string }>>;
}

/** A port of the node that leads to a pod (containers[].ports[].hostPort). */
export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly hostIP?: string;
  readonly hostPort: number;
  readonly podIP: string;
  readonly containerPort: number;
}
