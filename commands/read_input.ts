/** A file that a user names, or the standard input: most roles may read no files but the cluster's own. */
export async function readInput(file: string): Promise<string> {
  if (file === "-") return await new Response(Deno.stdin.readable).text();
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Error(`Cannot read "${file}": this command may read no files; say - and give it on the standard input`);
  }
}
