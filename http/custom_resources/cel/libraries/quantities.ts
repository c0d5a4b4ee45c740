/** Quantities and semantic versions (k8s.io/apiserver cel/library: quantity, semver). */
import { parseQuantity } from "../../../../machines/objects/quantity.ts";
import { compare, fail, type Library } from "./library.ts";

const unit = 1_000_000_000n;

export class Quantity {
  constructor(readonly nano: bigint) {}
}

export class Semver {
  constructor(readonly numbers: readonly [bigint, bigint, bigint], readonly before: readonly string[]) {}
}

function quantity(text: string): Quantity {
  const found = parseQuantity(text);
  return found === undefined ? fail(`quantity: cannot parse ${JSON.stringify(text)}`) : new Quantity(found.nano);
}

const version = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

function parseSemver(text: string, normalize = false): Semver | undefined {
  const plain = normalize
    ? text.replace(/^v/, "").replace(/^(\d+)(?!.*\.)/, "$1.0.0").replace(/^(\d+\.\d+)$/, "$1.0")
    : text;
  const match = version.exec(plain);
  if (match === null) return undefined;
  const [, major = "", minor = "", patch = "", before] = match;
  return new Semver([BigInt(major), BigInt(minor), BigInt(patch)], before === undefined ? [] : before.split("."));
}

function semver(text: string, normalize = false): Semver {
  return parseSemver(text, normalize) ?? fail(`semver: cannot parse ${JSON.stringify(text)}`);
}

function compareSemver(a: Semver, b: Semver): bigint {
  for (let index = 0; index < 3; index++) {
    const order = compare(a.numbers[index], b.numbers[index]);
    if (order !== 0) return BigInt(order);
  }
  // A version before a release comes before it (semver.org, point 11).
  if (a.before.length === 0 || b.before.length === 0) return BigInt(Math.sign(b.before.length - a.before.length));
  for (let index = 0; index < Math.max(a.before.length, b.before.length); index++) {
    const [left, right] = [a.before[index], b.before[index]];
    if (left === undefined || right === undefined) return left === undefined ? -1n : 1n;
    const [isLeft, isRight] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (isLeft !== isRight) return isLeft ? -1n : 1n;
    const order = isLeft ? compare(BigInt(left), BigInt(right)) : compare(left, right);
    if (order !== 0) return BigInt(order);
  }
  return 0n;
}

const q = "kubernetes.Quantity";
const v = "kubernetes.Semver";

export const quantities: Library = {
  types: { [q]: Quantity, [v]: Semver },
  functions: {
    [`quantity(string): ${q}`]: quantity,
    "isQuantity(string): bool": (text: string) => parseQuantity(text) !== undefined,
    [`${q}.sign(): int`]: ({ nano }: Quantity) => BigInt(compare(nano, 0n)),
    [`${q}.isInteger(): bool`]: ({ nano }: Quantity) => nano % unit === 0n,
    [`${q}.asInteger(): int`]: ({ nano }: Quantity) =>
      nano % unit === 0n ? nano / unit : fail("cannot convert value to integer"),
    [`${q}.asApproximateFloat(): double`]: ({ nano }: Quantity) => Number(nano) / Number(unit),
    [`${q}.add(${q}): ${q}`]: (a: Quantity, b: Quantity) => new Quantity(a.nano + b.nano),
    [`${q}.add(int): ${q}`]: (a: Quantity, b: bigint) => new Quantity(a.nano + b * unit),
    [`${q}.sub(${q}): ${q}`]: (a: Quantity, b: Quantity) => new Quantity(a.nano - b.nano),
    [`${q}.sub(int): ${q}`]: (a: Quantity, b: bigint) => new Quantity(a.nano - b * unit),
    [`${q}.isLessThan(${q}): bool`]: (a: Quantity, b: Quantity) => a.nano < b.nano,
    [`${q}.isGreaterThan(${q}): bool`]: (a: Quantity, b: Quantity) => a.nano > b.nano,
    [`${q}.compareTo(${q}): int`]: (a: Quantity, b: Quantity) => BigInt(compare(a.nano, b.nano)),
    [`semver(string): ${v}`]: (text: string) => semver(text),
    [`semver(string, bool): ${v}`]: semver,
    "isSemver(string): bool": (text: string) => parseSemver(text) !== undefined,
    "isSemver(string, bool): bool": (text: string, normalize: boolean) => parseSemver(text, normalize) !== undefined,
    [`${v}.major(): int`]: ({ numbers }: Semver) => numbers[0],
    [`${v}.minor(): int`]: ({ numbers }: Semver) => numbers[1],
    [`${v}.patch(): int`]: ({ numbers }: Semver) => numbers[2],
    [`${v}.compareTo(${v}): int`]: compareSemver,
    [`${v}.isLessThan(${v}): bool`]: (a: Semver, b: Semver) => compareSemver(a, b) < 0n,
    [`${v}.isGreaterThan(${v}): bool`]: (a: Semver, b: Semver) => compareSemver(a, b) > 0n,
  },
};
