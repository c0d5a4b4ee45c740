/** Under which address of its own this machine reaches a server: what others are told who have to reach it. */
import { isLoopback } from "../machines/network/reach.ts";

export interface OwnAddress {
  readonly address: string;
  /** Whether the server is on this very host. */
  readonly sameHost: boolean;
}

/** Undefined: by loopback. @throws Error when the server cannot be reached. */
export async function addressTowards(server: string): Promise<OwnAddress | undefined> {
  const { hostname, port } = new URL(server);
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname, port: Number(port || 443) });
  } catch (error) {
    throw new Error(`Cannot reach ${server}: ${(error as Error).message}`);
  }
  const { localAddr: { hostname: address }, remoteAddr } = connection;
  connection.close();
  return isLoopback(address) ? undefined : { address, sameHost: address === remoteAddr.hostname };
}
