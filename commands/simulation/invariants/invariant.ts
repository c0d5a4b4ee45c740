/** What must hold at every moment. */
import type { Mirror } from "../mirror.ts";
import type { SimulatedCluster } from "../simulated_cluster.ts";

export interface Watched {
  readonly cluster: SimulatedCluster;
  readonly mirror: Mirror;
  /** It does not hold. `invariant`: in plain words what should; `message`: what is instead. */
  failed(invariant: string, message: string): void;
}

export interface Invariant {
  /** Looks at everything, not only at what has changed. */
  checkAll?(): void;
}
