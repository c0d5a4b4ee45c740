/** What is let pass in pods and pod templates, with a warning to whoever sent it. */
import { dns1123LabelErrors, labelValueErrors } from "../../../machines/objects/names.ts";
import { quantityOf } from "../../../machines/objects/quantity.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { containersOf } from "../defaults/pod_spec.ts";
import { type Fields, fields, has, isFields, list, same, text, texts } from "../fields.ts";
import { type Path, path } from "./field.ts";

const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
const required = "requiredDuringSchedulingIgnoredDuringExecution";
const nullSelector = "a null labelSelector results in matching no pod";

function nodeTermWarnings(term: Fields, at: Path): string[] {
  return list(term["matchExpressions"]).flatMap((expression, index) =>
    texts(expression["values"]).flatMap((value, position) =>
      labelValueErrors(value).map((detail) =>
        `${at.child("matchExpressions").index(index).child("values").index(position)}: ${value} is invalid, ${detail}`
      )
    )
  );
}

function affinityWarnings(affinity: Fields, at: Path): string[] {
  const { nodeAffinity } = affinity;
  const warnings: string[] = [];
  const node = at.child("nodeAffinity");
  list(fields(fields(nodeAffinity)[required])["nodeSelectorTerms"]).forEach((term, index) => {
    warnings.push(...nodeTermWarnings(term, node.child(required, "nodeSelectorTerms").index(index)));
  });
  list(fields(nodeAffinity)[preferred]).forEach((term, index) => {
    warnings.push(
      ...nodeTermWarnings(fields(term["preference"]), node.child(preferred).index(index).child("preference")),
    );
  });
  for (const side of ["podAffinity", "podAntiAffinity"]) {
    list(fields(affinity[side])[required]).forEach((term, index) => {
      if (!has(term["labelSelector"])) {
        warnings.push(`${at.child(side, required).index(index).child("labelSelector")}: ${nullSelector}`);
      }
    });
    list(fields(affinity[side])[preferred]).forEach((term, index) => {
      if (has(fields(term["podAffinityTerm"])["labelSelector"])) return;
      warnings.push(
        `${at.child(side, preferred).index(index).child("podAffinityTerm", "labelSelector")}: ${nullSelector}`,
      );
    });
  }
  return warnings;
}

function hidden(variables: readonly Fields[], at: Path): string[] {
  const names = new Set<string>();
  return variables.flatMap((variable, index) => {
    const name = text(variable["name"]);
    const again = names.has(name);
    names.add(name);
    if (!again) return [];
    return [
      `${at.index(index)}: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
    ];
  });
}

function portWarnings(ports: readonly Fields[], at: Path): string[] {
  return ports.flatMap((port, index) => {
    const first = ports.findIndex((other) =>
      ["containerPort", "hostPort", "hostIP", "protocol"].every((field) => same(other[field], port[field]))
    );
    return first < index ? [`${at.index(index)}: duplicate port definition with ${at.index(first)}`] : [];
  });
}

/** Amounts below a byte cannot be had. */
function fractionWarnings(resources: Fields, at: Path): string[] {
  return ["limits", "requests"].flatMap((side) =>
    ["memory", "ephemeral-storage"].flatMap((name) => {
      const amount = fields(resources[side])[name];
      if (!has(amount) || quantityOf(amount).nano % 1_000_000_000n === 0n) return [];
      return [
        `${at.child(side).key(name)}: fractional byte value ${
          JSON.stringify(text(amount))
        } is invalid, must be an integer`,
      ];
    })
  );
}

function repeated(values: readonly string[], say: (index: number, value: string) => string): string[] {
  return values.flatMap((value, index) => value !== "" && values.indexOf(value) < index ? [say(index, value)] : []);
}

function volumeWarnings(volume: Fields): string[] {
  const kinds = [["configMap", "ConfigMap", "name"], ["secret", "Secret", "secretName"]] as const;
  return kinds.flatMap(([field, kind, named]) => {
    const source = volume[field];
    if (!isFields(source)) return [];
    const files = list(source["items"]).map((item) => text(item["path"]));
    const of = `volume ${JSON.stringify(text(volume["name"]))} (${kind} ${JSON.stringify(text(source[named]))})`;
    return repeated(
      files,
      (_index, file) => `${of}: overlapping paths: ${JSON.stringify(file)} with ${JSON.stringify(file)}`,
    );
  });
}

function specWarnings(spec: Fields, at: Path): string[] {
  const warnings = affinityWarnings(fields(spec["affinity"]), at.child("affinity"));
  list(spec["topologySpreadConstraints"]).forEach((constraint, index) => {
    if (!has(constraint["labelSelector"])) {
      warnings.push(`${at.child("topologySpreadConstraints").index(index).child("labelSelector")}: ${nullSelector}`);
    }
  });
  const aliases = list(spec["hostAliases"]).map((alias) => text(alias["ip"]));
  warnings.push(
    ...repeated(
      aliases,
      (index, ip) => `${at.child("hostAliases").index(index).child("ip")}: duplicate ip ${JSON.stringify(ip)}`,
    ),
  );
  const secrets = list(spec["imagePullSecrets"]).map((secret) => text(secret["name"]));
  secrets.forEach((name, index) => {
    const here = at.child("imagePullSecrets").index(index);
    if (name === "") warnings.push(`${here}: invalid empty name ${JSON.stringify(name)}`);
    else if (secrets.indexOf(name) < index) warnings.push(`${here}: duplicate name ${JSON.stringify(name)}`);
  });
  for (const volume of list(spec["volumes"])) warnings.push(...volumeWarnings(volume));
  for (const { field, index, container } of containersOf(spec)) {
    const here = at.child(field).index(index);
    warnings.push(...fractionWarnings(fields(container["resources"]), here.child("resources")));
    warnings.push(...hidden(list(container["env"]), here.child("env")));
    warnings.push(...portWarnings(list(container["ports"]), here.child("ports")));
  }
  return warnings;
}

function hostnameWarnings(name: unknown, use: string): string[] {
  const texts = typeof name === "string" && name !== "" ? dns1123LabelErrors(name) : [];
  return texts.length === 0 ? [] : [
    `metadata.name: ${use}, which can result in surprising behavior; a DNS label is recommended: [${texts.join(" ")}]`,
  ];
}

export function warnOfPod(pod: KubeObject, old: KubeObject | undefined): string[] {
  if (old !== undefined && same(pod["spec"], old["spec"])) return [];
  const name = old === undefined ? hostnameWarnings(pod.metadata.name, "this is used in the Pod's hostname") : [];
  return [...name, ...specWarnings(fields(pod["spec"]), path("spec"))];
}

/** @param template where the pod template stands, for example `["spec", "template"]`. @param namesPods pods get the object's name. */
export function warnOfTemplate(
  template: readonly string[],
  namesPods: boolean,
): (object: KubeObject, old: KubeObject | undefined) => string[] {
  const find = (object: KubeObject): Fields => template.reduce<Fields>((owner, field) => fields(owner[field]), object);
  return (object, old) => {
    const name = old === undefined && namesPods
      ? hostnameWarnings(object.metadata.name, "this is used in Pod names and hostnames")
      : [];
    if (old !== undefined && same(find(object), find(old))) return [];
    return [...name, ...specWarnings(fields(find(object)["spec"]), path(...template, "spec"))];
  };
}
