/** What people see while a command works: one line for each step, with the time it took. */
export class Progress {
  readonly #started = performance.now();
  readonly #quiet: boolean;

  constructor(options: { quiet?: boolean } = {}) {
    this.#quiet = options.quiet ?? false;
  }

  /** Runs a step; a failure names the step it happened in. */
  async step<T>(title: string, body: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      const result = await body();
      this.say(`  ok    ${title} (${seconds(performance.now() - started)})`);
      return result;
    } catch (error) {
      this.say(`  FAIL  ${title}`);
      throw error;
    }
  }

  /** A step that somebody else has done. */
  done(title: string): void {
    this.say(`  ok    ${title} (after ${this.elapsed})`);
  }

  say(line: string): void {
    if (!this.#quiet) console.error(line);
  }

  /** Since the beginning. */
  get elapsed(): string {
    return seconds(performance.now() - this.#started);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
