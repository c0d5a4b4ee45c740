/**
 * The image of a pod's sandbox, assembled here byte by byte: no registry is needed for it, and it is there offline.
 *
 * Its only process ignores SIGCHLD, so that the kernel reaps orphans for it, and sleeps for ever. As PID 1 without
 * handlers it would sit out every grace under SIGTERM, so its stop signal is SIGKILL.
 */
import { createHash } from "node:crypto";

export const pauseImage = "chartroom/pause:1";

/** One machine instruction with its bytes, as an assembler lists it. */
type Listing = readonly (readonly [bytes: readonly number[], text: string])[];

/** x86-64. Linux system calls: number in rax, arguments in rdi, rsi, rdx, r10. */
const amd64: Listing = [
  // struct sigaction on the stack: handler SIG_IGN (1), flags, restorer, mask, all else zero.
  [[0x31, 0xc0], "xor  eax, eax"],
  [[0x50], "push rax              ; sa_mask"],
  [[0x50], "push rax              ; sa_restorer"],
  [[0x50], "push rax              ; sa_flags"],
  [[0x6a, 0x01], "push 1                ; sa_handler = SIG_IGN"],
  [[0xbf, 0x11, 0x00, 0x00, 0x00], "mov  edi, 17          ; SIGCHLD"],
  [[0x48, 0x89, 0xe6], "mov  rsi, rsp         ; the new action"],
  [[0x31, 0xd2], "xor  edx, edx         ; the old one is not asked for"],
  [[0x41, 0xba, 0x08, 0x00, 0x00, 0x00], "mov  r10d, 8          ; size of the signal mask"],
  [[0xb8, 0x0d, 0x00, 0x00, 0x00], "mov  eax, 13          ; rt_sigaction"],
  [[0x0f, 0x05], "syscall"],
  [[0xb8, 0x22, 0x00, 0x00, 0x00], "mov  eax, 34          ; pause"],
  [[0x0f, 0x05], "syscall"],
  [[0xeb, 0xf7], "jmp  -9               ; pause again"],
];

/** AArch64, little-endian words. Linux system calls: number in x8, arguments in x0 to x4. */
const arm64: Listing = [
  [word(0xd10083ff), "sub  sp, sp, #32"],
  [word(0xd2800020), "mov  x0, #1           ; sa_handler = SIG_IGN"],
  [word(0xa9007fe0), "stp  x0, xzr, [sp]    ; sa_handler, sa_flags"],
  [word(0xa9017fff), "stp  xzr, xzr, [sp, #16] ; sa_restorer, sa_mask"],
  [word(0xd2800220), "mov  x0, #17          ; SIGCHLD"],
  [word(0x910003e1), "mov  x1, sp           ; the new action"],
  [word(0xd2800002), "mov  x2, #0           ; the old one is not asked for"],
  [word(0xd2800103), "mov  x3, #8           ; size of the signal mask"],
  [word(0xd28010c8), "mov  x8, #134         ; rt_sigaction"],
  [word(0xd4000001), "svc  #0"],
  // There is no pause here: ppoll without descriptors and without a time-out.
  [word(0xd2800000), "mov  x0, #0"],
  [word(0xd2800001), "mov  x1, #0"],
  [word(0xd2800002), "mov  x2, #0"],
  [word(0xd2800003), "mov  x3, #0"],
  [word(0xd2800004), "mov  x4, #0"],
  [word(0xd2800928), "mov  x8, #73          ; ppoll"],
  [word(0xd4000001), "svc  #0"],
  [word(0x17fffff9), "b    -28              ; again"],
];

function word(instruction: number): number[] {
  return [0, 8, 16, 24].map((shift) => (instruction >>> shift) & 0xff);
}

const machines = {
  amd64: { code: amd64, elfMachine: 62 },
  arm64: { code: arm64, elfMachine: 183 },
} as const;

const base = 0x400000;
const headers = 64 + 56;

/** A static ELF executable of one loadable segment: file header, program header, code. */
export function pauseProgram(architecture: keyof typeof machines): Uint8Array<ArrayBuffer> {
  const { code, elfMachine } = machines[architecture];
  const bytes = code.flatMap(([listed]) => listed);
  const size = headers + bytes.length;
  const program = new Uint8Array(size);
  const view = new DataView(program.buffer);
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little-endian, version 1.
  view.setUint16(16, 2, true); // An executable with fixed addresses.
  view.setUint16(18, elfMachine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(base + headers), true); // Entry.
  view.setBigUint64(32, 64n, true); // Program headers follow at once.
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true);
  view.setUint32(64, 1, true); // PT_LOAD.
  view.setUint32(68, 5, true); // Readable and executable.
  view.setBigUint64(80, BigInt(base), true);
  view.setBigUint64(88, BigInt(base), true);
  view.setBigUint64(96, BigInt(size), true);
  view.setBigUint64(104, BigInt(size), true);
  view.setBigUint64(112, 0x1000n, true);
  program.set(bytes, headers);
  return program;
}

/** The image as `docker save` would write it. */
export function pauseArchive(architecture: string): Uint8Array<ArrayBuffer> {
  if (architecture !== "amd64" && architecture !== "arm64") {
    throw new Error(`Cannot make the pause image: no program for architecture "${architecture}"`);
  }
  const layer = tar([{ name: "pause", bytes: pauseProgram(architecture), mode: 0o755 }]);
  const diffId = `sha256:${sha256(layer)}`;
  const config = encode({
    architecture,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: { Entrypoint: ["/pause"], WorkingDir: "/", StopSignal: "SIGKILL", User: "65535:65535" },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "chartroom" }],
  });
  const configName = `${sha256(config)}.json`;
  const manifest = encode([{ Config: configName, RepoTags: [pauseImage], Layers: ["layer.tar"] }]);
  return tar([
    { name: configName, bytes: config, mode: 0o644 },
    { name: "layer.tar", bytes: layer, mode: 0o644 },
    { name: "manifest.json", bytes: manifest, mode: 0o644 },
  ]);
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface TarEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** POSIX ustar: for each file a block of 512 bytes that describes it, then its bytes, filled up to 512. */
function tar(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const blocks = entries.map(({ bytes }) => 512 + Math.ceil(bytes.length / 512) * 512);
  const archive = new Uint8Array(blocks.reduce((sum, size) => sum + size, 0) + 1024);
  let at = 0;
  for (const [index, { name, bytes, mode }] of entries.entries()) {
    const head = archive.subarray(at, at + 512);
    const put = (offset: number, text: string) => head.set(new TextEncoder().encode(text), offset);
    const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
    put(0, name);
    put(100, octal(mode, 7));
    put(108, octal(0, 7));
    put(116, octal(0, 7));
    put(124, octal(bytes.length, 11));
    put(136, octal(0, 11));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\u000000");
    const sum = head.reduce((total, byte) => total + byte, 0);
    put(148, sum.toString(8).padStart(6, "0") + "\0 ");
    archive.set(bytes, at + 512);
    at += blocks[index]!;
  }
  return archive;
}
