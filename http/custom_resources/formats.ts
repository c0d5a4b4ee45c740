/** The string and number formats that Kubernetes enforces in custom resources (docs: "Validation", formats). */
import { isIP, isIPv4, isIPv6 } from "node:net";

const uuid = (version: string) =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[89ab0-9a-f][0-9a-f]{3}-?[0-9a-f]{12}$`, "i");
const dateTime =
  /^\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const duration = /^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h|d|w))+$|^0$/;
const hostname = /^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
const labelName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

const texts: Readonly<Record<string, (value: string) => boolean>> = {
  "date-time": (value) => dateTime.test(value),
  "datetime": (value) => dateTime.test(value),
  "date": (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)),
  "duration": (value) => duration.test(value),
  "byte": (value) => value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  "email": (value) => /^[^\s@]+@[^\s@]+$/.test(value),
  "hostname": (value) => value.length <= 253 && hostname.test(value),
  "ipv4": (value) => isIPv4(value),
  "ipv6": (value) => isIPv6(value),
  "cidr": isCidr,
  "mac": (value) => /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4}[0-9a-f]{2}$/i.test(value),
  "uri": (value) => URL.canParse(value),
  "uuid": (value) => uuid("[0-9a-f]").test(value),
  "uuid3": (value) => uuid("3").test(value),
  "uuid4": (value) => uuid("4").test(value),
  "uuid5": (value) => uuid("5").test(value),
  "hexcolor": (value) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  "rgbcolor": (value) => /^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/.test(value),
  "k8s-short-name": (value) => value.length <= 63 && labelName.test(value),
  "k8s-long-name": (value) => value.length <= 253 && value.split(".").every((part) => labelName.test(part)),
};

const numbers: Readonly<Record<string, (value: number) => boolean>> = {
  "int32": (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31,
  "int64": (value) => Number.isInteger(value),
};

/** Whether the value has the format; formats that Kubernetes does not know are not enforced. */
export function formatFits(format: string, value: string | number): boolean {
  return typeof value === "string" ? texts[format]?.(value) ?? true : numbers[format]?.(value) ?? true;
}

function isCidr(value: string): boolean {
  const [address = "", bits = "", ...more] = value.split("/");
  const version = isIP(address);
  return more.length === 0 && version > 0 && /^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}
