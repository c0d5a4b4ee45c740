/** Who looks after the API services of other servers, and what is to be done for one of them. */

export interface Reachability {
  readonly available: boolean;
  /** Kubernetes' word, and why. */
  readonly reason: string;
  readonly message: string;
}

export interface ApiServiceWork {
  /** @throws Error when nothing could be found out. */
  check(): Promise<Reachability>;
  /** From now on requests are treated so, and the service's status says so. @throws Error when it could not be written */
  publish(available: boolean): Promise<void>;
}

export interface ApiServiceWatch {
  begin(name: string, work: ApiServiceWork): void;
  /** The service is to be found elsewhere. */
  changed(name: string): void;
  end(name: string): void;
}
