/**
 * A B+ tree from keys, in key order, to values: insertion and removal touch one path of small arrays however many keys
 * there are. A node that has become empty is taken out; half-empty ones are not merged, since keys that vanish are
 * mostly followed by others of the same prefix.
 */
import { compareKeys, noEnd } from "./key_order.ts";

const most = 64;

type Less = (a: string, b: string) => boolean;

/**
 * The engine's own order differs from that of the bytes only where both strings have a unit from U+D800 on at the first
 * difference. While no key in the tree has one, the fast comparison is right, whatever is looked for.
 */
const plainLess: Less = (a, b) => a < b;
const anyLess: Less = (a, b) => compareKeys(a, b) < 0;
const highUnit = /[\ud800-\uffff]/;

interface Leaf<V> {
  readonly leaf: true;
  keys: string[];
  values: V[];
}

/** `keys[i]` is not above any key of `children[i + 1]` and above every key of `children[i]`. */
interface Branch<V> {
  readonly leaf: false;
  keys: string[];
  children: Node<V>[];
}

type Node<V> = Leaf<V> | Branch<V>;

export class SortedKeys<V> {
  #root: Node<V> = { leaf: true, keys: [], values: [] };
  #size = 0;
  #less = plainLess;

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (!node.leaf) node = node.children[childFor(node, key, this.#less)]!;
    const at = lowerBound(node.keys, key, this.#less);
    return node.keys[at] === key ? node.values[at] : undefined;
  }

  set(key: string, value: V): void {
    if (this.#less === plainLess && highUnit.test(key)) this.#less = anyLess;
    const split = this.#insert(this.#root, key, value);
    if (split !== undefined) {
      this.#root = { leaf: false, keys: [split.key], children: [this.#root, split.right] };
    }
  }

  delete(key: string): boolean {
    if (!this.#remove(this.#root, key)) return false;
    this.#size--;
    while (!this.#root.leaf && this.#root.children.length === 1) this.#root = this.#root.children[0]!;
    if (!this.#root.leaf && this.#root.children.length === 0) this.#root = { leaf: true, keys: [], values: [] };
    return true;
  }

  /** Visits values in [start, end) in order until `visit` answers false; without an end, to the last. */
  scan(start: string, end: string | undefined, visit: (value: V, key: string) => boolean | void): void {
    walk(this.#root, start, end === noEnd ? undefined : end, visit, this.#less);
  }

  #insert(node: Node<V>, key: string, value: V): { key: string; right: Node<V> } | undefined {
    if (node.leaf) {
      const at = lowerBound(node.keys, key, this.#less);
      if (node.keys[at] === key) {
        node.values[at] = value;
        return undefined;
      }
      node.keys.splice(at, 0, key);
      node.values.splice(at, 0, value);
      this.#size++;
      return node.keys.length > most ? splitLeaf(node, at) : undefined;
    }
    const at = childFor(node, key, this.#less);
    const split = this.#insert(node.children[at]!, key, value);
    if (split === undefined) return undefined;
    node.keys.splice(at, 0, split.key);
    node.children.splice(at + 1, 0, split.right);
    return node.children.length > most ? splitBranch(node) : undefined;
  }

  #remove(node: Node<V>, key: string): boolean {
    if (node.leaf) {
      const at = lowerBound(node.keys, key, this.#less);
      if (node.keys[at] !== key) return false;
      node.keys.splice(at, 1);
      node.values.splice(at, 1);
      return true;
    }
    const at = childFor(node, key, this.#less);
    const child = node.children[at]!;
    if (!this.#remove(child, key)) return false;
    if (child.leaf ? child.keys.length === 0 : child.children.length === 0) {
      node.children.splice(at, 1);
      node.keys.splice(Math.max(0, at - 1), 1);
    }
    return true;
  }
}

/** Keys that come in rising order leave full leaves behind: the split is at the end, not in the middle. */
function splitLeaf<V>(node: Leaf<V>, insertedAt: number): { key: string; right: Leaf<V> } {
  const at = insertedAt === node.keys.length - 1 ? insertedAt : node.keys.length >> 1;
  const right: Leaf<V> = { leaf: true, keys: node.keys.splice(at), values: node.values.splice(at) };
  return { key: right.keys[0]!, right };
}

function splitBranch<V>(node: Branch<V>): { key: string; right: Branch<V> } {
  const at = node.children.length >> 1;
  const right: Branch<V> = { leaf: false, keys: node.keys.splice(at), children: node.children.splice(at) };
  return { key: node.keys.pop()!, right };
}

/** First place whose key is not before `key`. */
function lowerBound(keys: readonly string[], key: string, less: Less): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (less(keys[middle]!, key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function childFor<V>(node: Branch<V>, key: string, less: Less): number {
  const at = lowerBound(node.keys, key, less);
  return node.keys[at] === key ? at + 1 : at;
}

function walk<V>(
  node: Node<V>,
  start: string,
  end: string | undefined,
  visit: (value: V, key: string) => boolean | void,
  less: Less,
): boolean {
  if (node.leaf) {
    const { keys, values } = node;
    const stop = end === undefined ? keys.length : lowerBound(keys, end, less);
    for (let at = lowerBound(keys, start, less); at < stop; at++) {
      if (visit(values[at]!, keys[at]!) === false) return false;
    }
    return stop === keys.length;
  }
  for (let at = childFor(node, start, less); at < node.children.length; at++) {
    if (!walk(node.children[at]!, start, end, visit, less)) return false;
  }
  return true;
}
