/** Processes of one's own program, each with a role: the master, a node. */

export interface RoleProcess {
  readonly pid: number;
  /** Resolves when it has ended, with its exit code (128 and the signal's number for one that was killed). */
  readonly ended: Promise<number>;
  /** Asks it to end in order. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface RoleProcessListener {
  /** It said that it does its work; again after each start. */
  ready(): void;
}

export interface RoleProcesses {
  /**
   * Starts a process. It ends by itself when the one that started it does.
   *
   * @throws Error when it cannot be started.
   */
  start(role: string, listener: RoleProcessListener): RoleProcess;
}
