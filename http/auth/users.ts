/** Users that Kubernetes itself names. */
import type { UserInfo } from "../machinery/types.ts";

export const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** The API server's own user, for what it does on nobody's behalf. */
export const apiServer: UserInfo = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

/** The groups of somebody whose credentials were good. */
export function authenticated(groups: readonly string[]): string[] {
  return groups.includes("system:authenticated") ? [...groups] : [...groups, "system:authenticated"];
}

export const credentialId = "authentication.kubernetes.io/credential-id";
