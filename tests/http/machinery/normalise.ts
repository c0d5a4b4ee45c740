/** Makes an answer of ours comparable with a recorded one: what no two servers have in common is replaced. */

type Json = unknown;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const generated = /(?<=\b(?:G_|a{58}))[bcdfghjklmnpqrstvwxz2456789]{5}\b/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;

function text(value: string, namespace: string): string {
  return value.replaceAll(namespace, "<namespace>").replace(uuid, "<uid>").replace(time, "<time>").replace(
    generated,
    "<suffix>",
  )
    .replace(/\(\d+\)/g, "(<revision>)").replace(/current: \d+/, "current: <revision>");
}

const pluginMade = new Set(["tolerations", "serviceAccount", "serviceAccountName", "priority", "preemptionPolicy"]);

/** Admission plugins are not part of these tests: what they add to pods is left out. */
function withoutPlugins(object: Record<string, Json>): Record<string, Json> {
  if (!Array.isArray(object.containers)) return object;
  const spec = Object.fromEntries(Object.entries(object).filter(([key]) => !pluginMade.has(key)));
  const isOurs = (item: { name?: string }) => item.name?.startsWith("kube-api-access-") !== true;
  if (Array.isArray(spec.volumes)) spec.volumes = spec.volumes.filter(isOurs);
  if (Array.isArray(spec.volumes) && spec.volumes.length === 0) delete spec.volumes;
  for (const list of ["containers", "initContainers"]) {
    if (Array.isArray(spec[list])) spec[list] = spec[list].map((container) => withoutMounts(container, isOurs));
  }
  return spec;
}

function withoutMounts(container: Record<string, Json>, isOurs: (item: { name?: string }) => boolean): Json {
  const { volumeMounts, ...rest } = container;
  const mounts = (volumeMounts as { name?: string }[] | undefined)?.filter(isOurs) ?? [];
  return mounts.length === 0 ? rest : { ...rest, volumeMounts: mounts };
}

export function normalised(value: Json, namespace: string): Json {
  if (typeof value === "string") return text(value, namespace);
  if (Array.isArray(value)) return value.map((item) => normalised(item, namespace));
  if (typeof value !== "object" || value === null) return value;
  const found = withoutPlugins(value as Record<string, Json>);
  const result: Record<string, Json> = {};
  for (const [key, member] of Object.entries(found)) {
    if (key === "resourceVersion" && typeof member === "string") result[key] = "<revision>";
    else if (key === "taints" && Array.isArray(member)) {
      result[key] = member.filter((taint) => taint.key !== "node.kubernetes.io/not-ready");
    } else if (key === "ca.crt") result[key] = "<certificate>";
    else if (key === "continue") result[key] = "<continue>";
    else if (key === "time" && typeof member === "string") result[key] = "<time>";
    else if (key === "name" && typeof member === "string" && typeof found.generateName === "string") {
      result[key] = `${member.slice(0, -5)}<suffix>`;
    } else result[key] = normalised(member, namespace);
  }
  return result;
}
