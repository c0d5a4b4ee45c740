import type { Score } from "../plugin.ts";

const mebi = 1024 * 1024;

/** The more of the pod's images, by size, a node has already, the better; images that are everywhere count fully. */
export const imageLocality: Score = {
  name: "ImageLocality",
  weight: 1,
  score({ images }, node, _, { nodes: all }) {
    const sizes = images.map((image) => {
      const name = withTag(image);
      const size = node.images.get(name);
      if (size === undefined) return 0;
      return size * all.filter((other) => other.images.has(name)).length / all.length;
    });
    const sum = sizes.reduce((total, size) => total + size, 0);
    const [least, most] = [23 * mebi, 1000 * mebi * Math.max(1, images.length)];
    return (Math.min(most, Math.max(least, sum)) - least) * 100 / (most - least);
  },
};

/** Nodes list images with their tags; a pod may leave `:latest` out. */
function withTag(image: string): string {
  return image.slice(image.lastIndexOf("/") + 1).includes(":") ? image : `${image}:latest`;
}
