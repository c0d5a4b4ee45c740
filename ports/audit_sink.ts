/** Where the audit log is kept. */
export interface AuditSink {
  /**
   * Takes an event, given as its JSON text. Resolves once it is as safe as this sink makes it; undefined: nobody has to
   * wait for it. Never rejects, unless requests are to fail with it.
   */
  write(line: string): Promise<void> | undefined;
}
