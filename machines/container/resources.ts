/** Requests and limits as the kernel's cgroups want them. */
import type { Container } from "../objects/object.ts";
import { quantityOf } from "../objects/quantity.ts";

const nanoPerMilli = 1_000_000n;
const period = 100_000;

export interface CgroupResources {
  readonly cpuShares: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryBytes?: number;
}

/** Thousandths of a CPU, rounded up. */
export function milliOf(quantity: unknown): number {
  const { nano } = quantityOf(quantity);
  return Number((nano + nanoPerMilli - 1n) / nanoPerMilli);
}

export function bytesOf(quantity: unknown): number {
  const { nano } = quantityOf(quantity);
  return Number((nano + 999_999_999n) / 1_000_000_000n);
}

export function cgroupResources({ resources }: Pick<Container, "resources">): CgroupResources {
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  const request = requests.cpu === undefined ? milliOf(limits.cpu) : milliOf(requests.cpu);
  const cpuLimit = milliOf(limits.cpu);
  const memory = bytesOf(limits.memory);
  return {
    cpuShares: request === 0 ? 2 : Math.min(262_144, Math.max(2, Math.floor((request * 1024) / 1000))),
    // A quota below 1 ms is refused by the kernel.
    ...(cpuLimit === 0 ? {} : { cpuQuota: Math.max(1000, (cpuLimit * period) / 1000), cpuPeriod: period }),
    ...(memory === 0 ? {} : { memoryBytes: memory }),
  };
}
