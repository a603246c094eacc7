import { describe, expect, it } from 'vitest';
import { OPTIONS } from './decode_image.ts';
import { decodeInProcess } from './svg_process.ts';

function svg(size: number, filter: string): Uint8Array {
  const style = filter === '' ? 'fill="#f00"' : 'filter="url(#f)"';
  return new TextEncoder().encode(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><filter id="f">${filter}</filter><rect width="${size}" height="${size}" ${style}/></svg>`,
  );
}

const NOISE =
  '<feGaussianBlur stdDeviation="900"/><feTurbulence numOctaves="99" baseFrequency="9"/>';

describe('an SVG file', () => {
  it('is drawn', async () => {
    const { width, height, data } = await decodeInProcess(svg(2, ''), OPTIONS);
    expect([width, height]).toEqual([2, 2]);
    expect([...data]).toEqual(Array(4).fill([255, 0, 0, 255]).flat());
  });

  it('that computes for minutes is ended', async () => {
    const begun = performance.now();
    const drawn = decodeInProcess(svg(4000, NOISE), OPTIONS, 1500);
    await expect(drawn).rejects.toThrow(/takes longer than 1.5 s to draw; make a PNG file of it/);
    expect(performance.now() - begun).toBeLessThan(15_000);
  });

  it('of more pixels than are drawn is refused, before it is', async () => {
    const drawn = decodeInProcess(svg(16_000, NOISE), OPTIONS);
    await expect(drawn).rejects.toThrow(/more than the 16777216 pixels that are drawn of SVG/);
  });
});
