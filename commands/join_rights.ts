/** What those who join may do: kubeadm's roles and bindings under kubeadm's names, and the right to ask for a place. */
import { masterGroup, workerGroup } from "../machines/controllers/bootstrap_tokens/bootstrap_token.ts";
import { clusterInfo } from "../machines/controllers/bootstrap_tokens/bootstrap_controllers.ts";
import type { ResourceRef } from "../machines/objects/resources.ts";
import { masterJoinPath, serversPath, workerJoinPath } from "./join_paths.ts";

const group = "rbac.authorization.k8s.io";
const apiVersion = `${group}/v1`;

const resource = (plural: string): ResourceRef => ({ group, version: "v1", resource: plural });
const groupSubject = (name: string) => ({ kind: "Group", name, apiGroup: group });

function clusterBinding(name: string, role: string, ...groups: string[]) {
  const roleRef = { apiGroup: group, kind: "ClusterRole", name: role };
  const subjects = groups.map(groupSubject);
  const object = { apiVersion, kind: "ClusterRoleBinding", metadata: { name }, roleRef, subjects };
  return { resource: resource("clusterrolebindings"), namespace: undefined, object };
}

function pathRole(name: string, path: string, verb: string) {
  const rules = [{ nonResourceURLs: [path], verbs: [verb] }];
  const object = { apiVersion, kind: "ClusterRole", metadata: { name }, rules };
  return { resource: resource("clusterroles"), namespace: undefined, object };
}

const requests = "system:certificates.k8s.io:certificatesigningrequests";
const { namespace } = clusterInfo;
const infoRole = "kubeadm:bootstrap-signer-clusterinfo";

export const joinRights: readonly {
  readonly resource: ResourceRef;
  readonly namespace: string | undefined;
  readonly object: object;
}[] = [
  clusterBinding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", workerGroup),
  clusterBinding("kubeadm:node-autoapprove-bootstrap", `${requests}:nodeclient`, workerGroup),
  clusterBinding("kubeadm:node-autoapprove-certificate-rotation", `${requests}:selfnodeclient`, "system:nodes"),
  pathRole("chartroom:worker-join", workerJoinPath, "post"),
  clusterBinding("chartroom:worker-join", "chartroom:worker-join", workerGroup),
  pathRole("chartroom:master-join", masterJoinPath, "post"),
  clusterBinding("chartroom:master-join", "chartroom:master-join", masterGroup),
  pathRole("chartroom:servers", serversPath, "get"),
  clusterBinding("chartroom:servers", "chartroom:servers", "system:nodes"),
  {
    resource: resource("roles"),
    namespace,
    object: {
      apiVersion,
      kind: "Role",
      metadata: { name: infoRole, namespace },
      rules: [{ apiGroups: [""], resources: ["configmaps"], resourceNames: [clusterInfo.name], verbs: ["get"] }],
    },
  },
  {
    resource: resource("rolebindings"),
    namespace,
    object: {
      apiVersion,
      kind: "RoleBinding",
      metadata: { name: infoRole, namespace },
      roleRef: { apiGroup: group, kind: "Role", name: infoRole },
      subjects: [{ kind: "User", name: "system:anonymous", apiGroup: group }],
    },
  },
];
