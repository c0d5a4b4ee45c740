/** Images for containers: looked for, pulled with the pod's secrets, and what people are told about it. */
import type { Pod } from "../../machines/objects/object.ts";
import { podLabels } from "../../machines/pod/pod_names.ts";
import type { RegistryAuth, RuntimeImage } from "../../ports/container_runtime.ts";
import { RuntimeError } from "../../ports/container_runtime.ts";
import type { ContainerRecord, PodRecord } from "./pod_record.ts";
import { type KubeletWorld, messageOf } from "./world.ts";

/** Why an image could not be had, in Kubernetes' words. */
export class ImageError extends Error {
  override name = "ImageError";
  constructor(
    readonly reason: "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName" | "ImageInspectError",
    message: string,
  ) {
    super(message);
  }
}

const reference = /^[a-z0-9]+([._:/@-]+[a-zA-Z0-9_]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

export function checkReference(image: string): void {
  if (!reference.test(image)) {
    throw new ImageError(
      "InvalidImageName",
      `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
    );
  }
}

export async function findImage(
  world: KubeletWorld,
  { pod }: PodRecord,
  { name, spec: { image = "" } }: ContainerRecord,
): Promise<RuntimeImage | undefined> {
  checkReference(image);
  try {
    return await world.runtime.inspectImage(image, podLabels(world.names, pod, name));
  } catch (error) {
    throw new ImageError("ImageInspectError", messageOf(error));
  }
}

/** Pulls and answers what was pulled. */
export async function pullImage(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  signal: AbortSignal,
): Promise<RuntimeImage> {
  const image = container.spec.image ?? "";
  checkReference(image);
  const began = world.system.clock.now();
  world.containerEvent(record, container, "Normal", "Pulling", `Pulling image "${image}"`);
  const auth = await credentialsFor(world, record.pod, image);
  const labels = podLabels(world.names, record.pod, container.name);
  try {
    await world.runtime.pullImage(image, { signal, labels, ...(auth === undefined ? {} : { auth }) });
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "unreachable") throw error;
    throw new ImageError("ErrImagePull", messageOf(error));
  }
  const pulled = await world.runtime.inspectImage(image, labels);
  if (pulled === undefined) throw new ImageError("ErrImagePull", `image "${image}" is not there after the pull`);
  const took = `${((world.system.clock.now() - began) / 1000).toFixed(3)}s`;
  world.containerEvent(
    record,
    container,
    "Normal",
    "Pulled",
    `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${pulled.sizeBytes} bytes.`,
  );
  return pulled;
}

/** From the pod's imagePullSecrets: the entry for the image's registry. */
async function credentialsFor(world: KubeletWorld, pod: Pod, image: string): Promise<RegistryAuth | undefined> {
  const first = image.split("/")[0]!;
  const registry = image.includes("/") && /[.:]|^localhost$/.test(first) ? first : "docker.io";
  for (const { name = "" } of pod.spec?.imagePullSecrets ?? []) {
    const secret = await world.sources.secret(pod.metadata.namespace ?? "", name);
    for (const [server, entry] of entriesOf(secret?.data)) {
      const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "").replace(/^index\./, "");
      if (host === registry) return { ...entry, serverAddress: server };
    }
  }
  return undefined;
}

function entriesOf(data: Record<string, string> | undefined): [string, RegistryAuth][] {
  const text = data?.[".dockerconfigjson"] ?? data?.[".dockercfg"];
  if (text === undefined) return [];
  const config = JSON.parse(atob(text)) as Record<string, unknown>;
  const auths = (data?.[".dockerconfigjson"] === undefined ? config : config.auths) as Record<
    string,
    { username?: string; password?: string; auth?: string; identitytoken?: string }
  >;
  return Object.entries(auths ?? {}).map(([server, { username, password, auth, identitytoken }]) => {
    const [name, ...rest] = auth === undefined ? [] : atob(auth).split(":");
    const user = username ?? name;
    const secret = password ?? (rest.length === 0 ? undefined : rest.join(":"));
    return [server, {
      ...(user === undefined ? {} : { username: user }),
      ...(secret === undefined ? {} : { password: secret }),
      ...(identitytoken === undefined ? {} : { identityToken: identitytoken }),
    }];
  });
}
