/** Boxes and what is in them, drawn over a picture, in Node, by the package sharp. */
import type { Detection, Image } from '../src/index.ts';
import { loadSharp } from './load_sharp.ts';

/** A PNG file of the picture with a frame around each thing. Throws UnsupportedError where sharp is not installed. */
export async function drawBoxes(
  { width, height, data }: Image,
  found: readonly Detection[],
): Promise<Uint8Array> {
  const open = await loadSharp();
  const drawing = Buffer.from(drawingOf(width, height, found));
  return await open(data, { raw: { width, height, channels: 4 } })
    .composite([{ input: drawing, top: 0, left: 0 }])
    .png()
    .toBuffer();
}

/** An SVG image as large as the picture; the surest thing is drawn last, over the others. */
export function drawingOf(width: number, height: number, found: readonly Detection[]): string {
  const line = Math.max(1, Math.round(Math.max(width, height) / 400));
  const size = Math.max(8, Math.round(Math.max(width, height) / 50));
  const frames = found.toReversed().map((detection) => frameOf(detection, line, size, width));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${frames.join('')}</svg>`;
}

function frameOf(
  { class: index, label, score, box }: Detection,
  line: number,
  size: number,
  pictureWidth: number,
): string {
  const { left, top, width, height } = box;
  // The golden angle: classes that follow one another differ most.
  const colour = `hsl(${Math.round((index * 137.508) % 360)}, 75%, 36%)`;
  const text = `${label.slice(0, 40)} ${(100 * score).toFixed(0)} %`;
  // All of the label is in the picture, though the thing may not be.
  const above = top >= 1.4 * size ? top - 1.4 * size : Math.max(0, top);
  const wide = 0.62 * size * text.length;
  const from = Math.max(0, Math.min(left, pictureWidth - wide));
  const tag = `x="${from}" y="${above}" width="${wide}" height="${1.4 * size}"`;
  return [
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="none" stroke="${colour}" stroke-width="${line}"/>`,
    `<rect ${tag} fill="${colour}"/>`,
    `<text x="${from + 0.3 * size}" y="${above + size}" font-family="sans-serif" font-size="${size}" fill="white">${escaped(text)}</text>`,
  ].join('');
}

/** Labels are from outside: what XML would take for its own, and what it has no way to say. */
function escaped(text: string): string {
  return text
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S}\p{Zs}]/gu, ' ')
    .replaceAll(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
