/** The security context of a container, pod and container together (Kubernetes "Configure a Security Context"). */
import type { Container, Pod } from "../objects/object.ts";
import { ConfigError } from "./environment.ts";

/** What the runtime is told; same words as its port. */
export interface Security {
  user?: string;
  groups?: string[];
  privileged?: boolean;
  addCapabilities?: string[];
  dropCapabilities?: string[];
  readOnlyRoot?: boolean;
  noNewPrivileges?: boolean;
  seccomp?: string;
  appArmor?: string;
}

/**
 * `imageUser`: what the image says, for runAsNonRoot.
 *
 * @throws ConfigError when the container would run as root though it must not.
 */
export function securityOf(pod: Pod, container: Container, imageUser: string): Security {
  const ofPod = pod.spec?.securityContext ?? {};
  const own = container.securityContext ?? {};
  const runAsUser = own.runAsUser ?? ofPod.runAsUser;
  const runAsGroup = own.runAsGroup ?? ofPod.runAsGroup;
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) refuseRoot(pod, container, runAsUser, imageUser);
  const groups = [...ofPod.supplementalGroups ?? [], ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])];
  const user = runAsUser === undefined
    ? (runAsGroup === undefined ? undefined : `${imageUser.split(":")[0] || "0"}:${runAsGroup}`)
    : runAsGroup === undefined
    ? String(runAsUser)
    : `${runAsUser}:${runAsGroup}`;
  const seccomp = seccompOf(own.seccompProfile ?? ofPod.seccompProfile);
  const appArmor = appArmorOf(own.appArmorProfile ?? ofPod.appArmorProfile);
  return {
    ...(user === undefined ? {} : { user }),
    ...(groups.length === 0 ? {} : { groups: groups.map(String) }),
    ...(own.privileged ? { privileged: true } : {}),
    ...(own.capabilities?.add === undefined ? {} : { addCapabilities: [...own.capabilities.add] }),
    ...(own.capabilities?.drop === undefined ? {} : { dropCapabilities: [...own.capabilities.drop] }),
    ...(own.readOnlyRootFilesystem ? { readOnlyRoot: true } : {}),
    ...(own.allowPrivilegeEscalation === false ? { noNewPrivileges: true } : {}),
    ...(own.privileged || seccomp === undefined ? {} : { seccomp }),
    ...(appArmor === undefined ? {} : { appArmor }),
  };
}

function refuseRoot(pod: Pod, container: Container, runAsUser: number | undefined, imageUser: string): void {
  const where =
    `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) {
      throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
    }
    return;
  }
  const name = imageUser.split(":")[0] ?? "";
  if (name === "" || name === "0") {
    throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  }
  if (!/^\d+$/.test(name)) {
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root ${where}`,
    );
  }
}

type Profile = { type: string; localhostProfile?: string } | undefined;

/** Without a profile Kubernetes runs unconfined; the engine's default is its own profile. */
function seccompOf(profile: Profile): string {
  if (profile === undefined || profile.type === "Unconfined") return "unconfined";
  if (profile.type === "RuntimeDefault") return "default";
  throw new ConfigError(`cannot use seccomp profile of type ${profile.type}: not supported by this kubelet`);
}

function appArmorOf(profile: Profile): string | undefined {
  if (profile === undefined || profile.type === "RuntimeDefault") return undefined;
  if (profile.type === "Unconfined") return "unconfined";
  return profile.localhostProfile;
}
