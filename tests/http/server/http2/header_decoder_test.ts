import { assertEquals, assertThrows } from "@std/assert";
import { ConnectionFault } from "../../../../http/server/http2/frame.ts";
import { HeaderDecoder } from "../../../../http/server/http2/header_decoder.ts";
import { writeHeaderBlock } from "../../../../http/server/http2/header_encoder.ts";
import { decodeHuffman } from "../../../../http/server/http2/huffman.ts";

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const first = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
const second = [...first, "cache-control", "no-cache"];
const third = [
  ...[":method", "GET", ":scheme", "https", ":path", "/index.html"],
  ...[":authority", "www.example.com", "custom-key", "custom-value"],
];
const status = (code: string, date: string) => [
  ...[":status", code, "cache-control", "private", "date", `Mon, 21 Oct 2013 20:13:${date} GMT`],
  ...["location", "https://www.example.com"],
];

/** The sequences of RFC 7541, appendix C: each block refers to those before. */
const sequences: { name: string; blocks: [hex: string, fields: string[]][] }[] = [
  {
    name: "requests as plain text (C.3)",
    blocks: [
      ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", first],
      ["8286 84be 5808 6e6f 2d63 6163 6865", second],
      ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", third],
    ],
  },
  {
    name: "requests in Huffman's code (C.4)",
    blocks: [
      ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", first],
      ["8286 84be 5886 a8eb 1064 9cbf", second],
      ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", third],
    ],
  },
  {
    name: "responses in Huffman's code that push each other out of a table of 256 bytes (C.6)",
    blocks: [
      ["3fe1 01", []],
      [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff" +
        "6e91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3",
        status("302", "21"),
      ],
      ["4883 640e ffc1 c0bf", status("307", "21")],
      [
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335" +
        "dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        [
          ...[":status", "200", "cache-control", "private", "date", "Mon, 21 Oct 2013 20:13:22 GMT"],
          ...["location", "https://www.example.com", "content-encoding", "gzip"],
          ...["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
        ],
      ],
    ],
  },
];
for (const { name, blocks } of sequences) {
  Deno.test(`HeaderDecoder reads ${name}`, () => {
    const decoder = new HeaderDecoder();
    assertEquals(blocks.map(([hex]) => decoder.decode(bytes(hex), 65_536)), blocks.map(([, fields]) => fields));
  });
}

const faults: Record<string, string> = {
  "an index that nothing has": "be",
  "index 0": "80",
  "a number that never ends": "ffffffffffff",
  "a string that is cut off": "000161",
  "a string in Huffman's code that is cut off within a code": "000161 81fe",
  "Huffman's end of the string within a string": "000161 84ffffffff",
  "a table that is larger than was offered": "3fe2 1f",
  "a change of the table behind a field": "82 20",
};
for (const [name, hex] of Object.entries(faults)) {
  Deno.test(`HeaderDecoder refuses ${name}`, () => {
    assertThrows(() => new HeaderDecoder().decode(bytes(hex), 65_536), ConnectionFault);
  });
}

Deno.test("HeaderDecoder gives no fields that are too long, and reads the next block all the same", () => {
  const decoder = new HeaderDecoder();
  assertEquals(decoder.decode(bytes(sequences[0]!.blocks[0]![0]), 100), undefined);
  assertEquals(decoder.decode(bytes(sequences[0]!.blocks[1]![0]), 65_536), second);
});

Deno.test("decodeHuffman reads the first and last codes of each length, beginning and ending within an octet", () => {
  // From appendix B of RFC 7541.
  const codes: [symbol: number, hex: string, bits: number][] = [
    [48, "0", 5],
    [116, "9", 5],
    [32, "14", 6],
    [117, "2d", 6],
    [58, "5c", 7],
    [122, "7b", 7],
    [38, "f8", 8],
    [90, "fd", 8],
    [33, "3f8", 10],
    [63, "3fc", 10],
    [39, "7fa", 11],
    [35, "ffa", 12],
    [0, "1ff8", 13],
    [94, "3ffc", 14],
    [60, "7ffc", 15],
    [92, "7fff0", 19],
    [128, "fffe6", 20],
    [153, "1fffdc", 21],
    [129, "3fffd2", 22],
    [1, "7fffd8", 23],
    [9, "ffffea", 24],
    [199, "1ffffec", 25],
    [192, "3ffffe0", 26],
    [203, "7ffffde", 27],
    [2, "fffffe2", 28],
    [10, "3ffffffc", 30],
    [22, "3ffffffe", 30],
  ];
  for (const [symbol, hex, bits] of codes) {
    const text = `00000${BigInt(`0x${hex}`).toString(2).padStart(bits, "0")}00011`;
    const padded = text.padEnd(Math.ceil(text.length / 8) * 8, "1");
    const octets = Uint8Array.from(padded.match(/.{8}/g)!, (octet) => parseInt(octet, 2));
    assertEquals(decodeHuffman(octets, 0, octets.length), `0${String.fromCharCode(symbol)}a`);
  }
});

Deno.test("writeHeaderBlock writes what HeaderDecoder reads", () => {
  const headers = {
    "content-type": "application/json",
    "Warning": ["299 - one", "299 - two"],
    "x-long": "y".repeat(300),
    "x-odd": "a\r\nb\u2028",
  };
  const room = new Uint8Array(1_000);
  const end = writeHeaderBlock(room, 0, { status: 418, headers, date: "now", first: true });
  assertEquals(new HeaderDecoder().decode(room.subarray(0, end), 65_536), [
    ...[":status", "418", "date", "now", "content-type", "application/json"],
    ...["warning", "299 - one", "warning", "299 - two", "x-long", "y".repeat(300), "x-odd", "a  b?"],
  ]);
});
