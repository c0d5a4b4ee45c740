/** One request on a connection of its own, so that each is balanced anew. */
export async function httpGet(host: string, port: number, path = "/", withinMs = 5_000): Promise<string> {
  const connection = await Deno.connect({ hostname: host, port });
  const timer = setTimeout(() => connection.close(), withinMs);
  try {
    await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\n\r\n`));
    const answer = new TextDecoder().decode(await readAll(connection));
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    if (!/^HTTP\/1\.[01] 200 /.test(head)) {
      throw new Error(`Cannot get http://${host}:${port}${path}: it answered "${head}"`);
    }
    return body;
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // The timer closed it.
    }
  }
}

async function readAll(connection: Deno.Conn): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(connection.readable).arrayBuffer());
}
