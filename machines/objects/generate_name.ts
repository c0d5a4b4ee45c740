/** How `metadata.generateName` becomes a name. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const maxBase = 58;

/** The prefix, cut so that the name stays a label, and five characters that spell no word. `draw` is uniform in [0, 1). */
export function generatedName(prefix: string, draw: () => number): string {
  let suffix = "";
  for (let i = 0; i < 5; i++) suffix += alphabet[Math.floor(draw() * alphabet.length)];
  return prefix.slice(0, maxBase) + suffix;
}
