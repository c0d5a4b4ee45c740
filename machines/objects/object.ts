/** Kubernetes objects as data: the shapes that every component reads. Objects handed out are frozen: never change one. */
import type * as v1 from "kubernetes-models/v1";
import type * as apps from "kubernetes-models/apps/v1";
import type * as batch from "kubernetes-models/batch/v1";
import type * as coordination from "kubernetes-models/coordination.k8s.io/v1";
import type * as discovery from "kubernetes-models/discovery.k8s.io/v1";

/** `metadata` of a stored object (Kubernetes API conventions, "Metadata"). */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid: string;
  /** Compared for equality only. */
  resourceVersion: string;
  generation?: number;
  /** RFC 3339, whole seconds. */
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: Record<string, unknown>[];
  selfLink?: string;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Any object of the API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** A package type with the metadata of a stored object. */
export type Stored<T> = Omit<T, "metadata" | "apiVersion" | "kind"> & {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
};

export type Pod = Stored<v1.IPod>;
export type PodSpec = NonNullable<v1.IPod["spec"]>;
export type PodStatus = NonNullable<v1.IPod["status"]>;
export type Container = PodSpec["containers"][number];
export type Node = Stored<v1.INode>;
export type Service = Stored<v1.IService>;
export type Namespace = Stored<v1.INamespace>;
export type ConfigMap = Stored<v1.IConfigMap>;
export type Secret = Stored<v1.ISecret>;
export type ServiceAccount = Stored<v1.IServiceAccount>;
export type Endpoints = Stored<v1.IEndpoints>;
export type Event = Stored<v1.IEvent>;
export type Deployment = Stored<apps.IDeployment>;
export type ReplicaSet = Stored<apps.IReplicaSet>;
export type DaemonSet = Stored<apps.IDaemonSet>;
export type StatefulSet = Stored<apps.IStatefulSet>;
export type ControllerRevision = Stored<apps.IControllerRevision>;
export type Job = Stored<batch.IJob>;
export type CronJob = Stored<batch.ICronJob>;
export type PersistentVolumeClaim = Stored<v1.IPersistentVolumeClaim>;
export type Lease = Stored<coordination.ILease>;
export type EndpointSlice = Stored<discovery.IEndpointSlice>;

/** `namespace/name`, or `name` for what has no namespace. */
export function keyOf(object: { metadata: { name: string; namespace?: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}
