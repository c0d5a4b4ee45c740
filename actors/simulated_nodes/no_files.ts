/** The files of a simulated node: everything can be written, nothing is kept, for nobody reads it. */
import type { NodeFiles } from "../../ports/node_files.ts";

const done = () => Promise.resolve();

export const noFiles: NodeFiles = {
  readHostFile: () => Promise.resolve(""),
  makeEmptyDirectory: done,
  writePayload: () => Promise.resolve(true),
  prepareHostPath: done,
  bindSubPath: (volume, subPath) => Promise.resolve(`${volume}/${subPath}`),
  writeFile: done,
  readEnd: () => Promise.resolve(""),
  remove: done,
  list: () => Promise.resolve([]),
};
