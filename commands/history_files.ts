/** The inspection history's recordings, below a cluster's state. Only their owner reads them. */
import type { HistoryFiles } from "../actors/inspection/history_recorder.ts";

export async function historyFiles(directory: string): Promise<HistoryFiles> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const path = (name: string) => `${directory}/${name}`;
  return {
    async list() {
      const files: { name: string; bytes: number }[] = [];
      for await (const { name, isFile } of Deno.readDir(directory)) {
        if (isFile && /^\d+\.jsonl$/.test(name)) files.push({ name, bytes: (await Deno.stat(path(name))).size });
      }
      return files;
    },
    append: (name, text) => Deno.writeTextFile(path(name), text, { append: true, mode: 0o600 }),
    read: (name) => Deno.readTextFile(path(name)),
    remove: (name) => Deno.remove(path(name)),
  };
}
