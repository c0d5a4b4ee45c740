/** Small file systems, one for each member, that can be filled to the last byte. */
import { succeeds } from "../../../tools/docker_engine.ts";
import type { ProcessStageOptions } from "./process_stage.ts";

const ballast = "ballast";

export class SmallDisks {
  readonly #root = Deno.makeTempDirSync({ prefix: "chartroom-disks-" });
  readonly #mounted = new Set<string>();

  /** Why there are none here. */
  static missing(): string | undefined {
    return Deno.build.os === "linux" && Deno.uid() === 0 ? undefined : "mounting needs root";
  }

  readonly stage: Pick<ProcessStageOptions, "directoryOf" | "fill"> = {
    // deno-lint-ignore require-await
    directoryOf: async (name) => {
      const directory = `${this.#root}/${name}`;
      if (this.#mounted.has(directory)) return directory;
      Deno.mkdirSync(directory);
      if (!succeeds("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "chartroom-test", directory)) {
        throw new Error(`Cannot mount a small file system on ${directory}: mount has refused`);
      }
      this.#mounted.add(directory);
      return directory;
    },
    fill: {
      // deno-lint-ignore require-await
      fill: async (directory) => {
        using file = Deno.openSync(`${directory}/${ballast}`, { create: true, append: true });
        const piece = new Uint8Array(4_096);
        try {
          for (;;) file.writeSync(piece);
        } catch {
          // Full, as it was to be.
        }
      },
      empty: (directory) => Deno.remove(`${directory}/${ballast}`).catch(() => {}),
    },
  };

  unmount(): void {
    for (const directory of this.#mounted) succeeds("umount", "-l", directory);
    Deno.removeSync(this.#root, { recursive: true });
  }
}
