/** A pki directory on disk. */
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pid } from "node:process";
import type { KeyFiles } from "./pki.ts";

/** Files under `directory`, readable by their owner alone. */
export function keyFiles(directory: string): KeyFiles {
  return {
    async read(path) {
      try {
        return await readFile(join(directory, path), "utf8");
      } catch (error) {
        if ((error as { code?: string }).code === "ENOENT") return undefined;
        throw new Error(`Cannot read "${join(directory, path)}": ${(error as Error).message}`, { cause: error });
      }
    },
    async write(path, content) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      // Several masters of one host may write the same file at once: each has a draft of its own.
      const temporary = `${target}.${pid}.new`;
      const file = await open(temporary, "w", 0o600);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await chmod(temporary, 0o600);
      await rename(temporary, target);
    },
  };
}
