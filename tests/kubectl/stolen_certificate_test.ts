/**
 * A certificate is public: only who has its key may act with it. Clients refuse to try with another key, GnuTLS's does
 * not, so it plays the thief.
 */
import { assertEquals } from "@std/assert";
import { serve } from "../../http/server.ts";
import { succeeds } from "../../tools/docker_engine.ts";
import { admin, authority, serving, stranger } from "../http/server/keys.ts";

const found = succeeds("gnutls-cli", "--version");
if (!found) console.log("skipped: presenting a certificate without its key takes gnutls-cli (Debian: gnutls-bin)");

for (const version of ["TLS1.2", "TLS1.3"]) {
  Deno.test({
    name: `a certificate without its key opens nothing (${version})`,
    ignore: !found,
    fn: async () => {
      const directory = await Deno.makeTempDir();
      const server = await serve({
        addresses: [{ host: "127.0.0.1", port: 0 }],
        certificate: serving.certificate,
        key: serving.key,
        clientCertificateAuthority: authority.certificate,
        fetch: (_, { credentials }) => new Response(`user=${credentials.clientCertificate?.commonName}`),
      });
      const ask = async (key: string): Promise<string | undefined> => {
        await Deno.writeTextFile(`${directory}/crt`, admin.certificate);
        await Deno.writeTextFile(`${directory}/key`, key);
        const child = new Deno.Command("gnutls-cli", {
          args: [
            ...["--no-ca-verification", "--priority", `NORMAL:-VERS-ALL:+VERS-${version}`, "-p"],
            ...[String(server.addresses[0]!.port), "--x509certfile", `${directory}/crt`],
            ...["--x509keyfile", `${directory}/key`, "127.0.0.1"],
          ],
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
          .catch(() => {});
        const said = await new Response(child.stdout).text();
        await writer.close().catch(() => {});
        await child.status;
        return /user=\w+/.exec(said)?.[0];
      };
      try {
        assertEquals([await ask(admin.key), await ask(stranger.key)], ["user=admin", undefined]);
      } finally {
        await server.close(0);
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}
