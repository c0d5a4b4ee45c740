/** Where a master's API server listens, and what its serving certificate says of that. */
import type { Subject } from "../http/auth/certificates/issue.ts";
import { apiServerSubject } from "../http/auth/certificates/subjects.ts";
import type { ListenAddress } from "../http/server.ts";
import { listenHosts, publishedNames } from "../machines/network/reach.ts";
import type { MasterOptions } from "./master.ts";

export interface MasterListeners {
  readonly addresses: readonly ListenAddress[];
  readonly subject: Subject;
}

export function masterListeners(
  { name, plan, reach, among, listenForCluster, controlPlaneAddress }: MasterOptions,
): MasterListeners {
  const own = [
    ...(listenForCluster ? [controlPlaneAddress] : []),
    ...(among === undefined ? [] : [among.ownAddress.host]),
  ];
  const published = publishedNames(reach);
  return {
    // What is no master's own, all masters of the host share.
    addresses: listenHosts(reach, own).map((host) => ({
      host,
      port: plan.apiServerPort,
      ...(among === undefined || own.includes(host) ? {} : { shared: true }),
    })),
    subject: apiServerSubject({
      addresses: [...own, controlPlaneAddress, ...published.addresses],
      names: [name, ...published.names],
      serviceAddress: plan.apiServiceAddress,
    }),
  };
}
