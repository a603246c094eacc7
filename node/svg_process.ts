/**
 * SVG pictures to pixels, in a process of their own. An SVG file is a program: 200 bytes can ask for filters that
 * compute for minutes, within one call of a library that nothing can interrupt but the end of its process.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { SharpOptions } from 'sharp';
import { type Image, ImageError, UnsupportedError } from '../src/index.ts';

/** Pixels of the largest SVG picture, which filters hold several times over. */
const MOST_PIXELS = 2 ** 24;
/** The time that drawing one may take, with the start of the process. */
const MOST_MS = 10_000;

/** What the process runs: it reads the file, and writes width and height, four bytes each, and RGBA. */
const PROGRAM = `
const [, library, options] = process.argv;
const sharp = require(library);
(async () => {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const file = Buffer.concat(chunks);
  const image = sharp(file, JSON.parse(options)).toColourspace('srgb').ensureAlpha().raw();
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  const head = Buffer.alloc(8);
  head.writeUInt32LE(info.width, 0);
  head.writeUInt32LE(info.height, 4);
  process.stdout.write(head);
  process.stdout.write(data);
})().catch((error) => {
  process.stderr.write(String(error.message));
  process.exitCode = 1;
});`;

/**
 * Decodes a file that may be SVG to 8 bit RGBA, with sharp's options but for the limit of pixels. Throws
 * UnsupportedError where it is too large or takes too long, ImageError with what the process says where it cannot be
 * decoded.
 */
export async function decodeInProcess(
  file: Uint8Array,
  options: SharpOptions,
  mostMs: number = MOST_MS,
): Promise<Image> {
  const library = createRequire(import.meta.url).resolve('sharp');
  const limited = { ...options, limitInputPixels: MOST_PIXELS };
  const child = spawn(process.execPath, ['-e', PROGRAM, library, JSON.stringify(limited)], {
    timeout: mostMs,
    killSignal: 'SIGKILL',
  });
  const [chunks, said]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  // It may end before it has read all; what it says then is of interest.
  child.stdin.on('error', () => undefined);
  child.stdin.end(file);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  // Set by the time limit alone.
  if (child.killed) {
    throw new UnsupportedError(
      `takes longer than ${mostMs / 1000} s to draw; make a PNG file of it`,
    );
  }
  // What a crash says goes on for pages.
  const [message = ''] = Buffer.concat(said).toString().trim().split('\n');
  if (/exceeds pixel limit/.test(message)) {
    throw new UnsupportedError(
      `has more than the ${MOST_PIXELS} pixels that are drawn of SVG; make it smaller first`,
    );
  }
  if (code !== 0) throw new ImageError(message || `its process ended by ${child.signalCode}`);
  const all = Buffer.concat(chunks);
  const data = new Uint8Array(all.buffer, all.byteOffset + 8, all.length - 8);
  return { width: all.readUInt32LE(0), height: all.readUInt32LE(4), data };
}
