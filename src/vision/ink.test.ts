import { describe, expect, it } from 'vitest';
import { Random } from '../../test/fixtures/random.ts';
import type { Image } from './image.ts';
import { readInk, TONE_BITS, type Tone } from './ink.ts';

type Rgba = readonly [number, number, number, number];

function gray(value: number): Rgba {
  return [value, value, value, 255];
}

/** A sheet of 40 x 30 with a bar: columns 10 .. 13, rows 5 .. 24. */
function barOn(paper: (x: number, y: number) => Rgba, bar: Rgba): Image {
  const [width, height] = [40, 30];
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const onBar = x >= 10 && x < 14 && y >= 5 && y < 25;
    data.set(onBar ? bar : paper(x, y), 4 * i);
  }
  return { width, height, data };
}

const BAR = { width: 4, height: 20, centre: { x: 12, y: 15 } };
const ONE = 2 ** TONE_BITS;

function tone(background: number, black: number, white: number): Tone {
  return { background, black, gain: Math.round((255 * ONE) / (white - black)) };
}

describe('readInk', () => {
  it.each<[string, Rgba, Rgba, Tone, Tone]>([
    ['white on black', gray(0), gray(255), tone(0, 0, 255), tone(0, 0, 255)],
    ['black on white', gray(255), gray(0), tone(255, 255, 0), tone(255, 255, 0)],
    ['dark on grey', gray(140), gray(60), tone(255, 255, 0), tone(255, 140, 60)],
    ['dark on dark', gray(90), gray(20), tone(0, 255, 0), tone(0, 90, 20)],
    ['black on nothing', [9, 9, 9, 0], gray(0), tone(255, 255, 0), tone(255, 255, 0)],
    ['white on nothing', [9, 9, 9, 0], gray(255), tone(0, 0, 255), tone(0, 0, 255)],
    [
      'half-seen white on nothing',
      [0, 0, 0, 0],
      [255, 255, 255, 128],
      tone(0, 0, 255),
      tone(0, 0, 128),
    ],
  ])('makes ink white on black: %s', (_, paper, ink, polarity, contrast) => {
    expect(readInk(barOn(() => paper, ink))).toEqual({ polarity, contrast, ink: BAR });
  });

  it('sees more of the paper through a hole in it', () => {
    expect(readInk(barOn(() => gray(255), [0, 0, 0, 0])).ink).toBeUndefined();
    expect(readInk(barOn(() => gray(0), [255, 255, 255, 0])).ink).toBeUndefined();
  });

  it('overlooks noise and specks', () => {
    const random = new Random(1);
    const noisy = (x: number, y: number) =>
      x === 38 && y === 2 ? gray(90) : gray(170 + random.int(-20, 20));
    expect(readInk(barOn(noisy, gray(40))).ink).toMatchObject({ width: 4, height: 20 });
  });

  it.each([
    { paper: 255, black: 255 },
    { paper: 200, black: 255 },
    { paper: 0, black: 0 },
  ])('finds no ink on blank paper of $paper', ({ paper, black }) => {
    const { polarity, contrast, ink } = readInk(barOn(() => gray(paper), gray(paper)));
    expect(ink).toBeUndefined();
    expect(polarity).toEqual(tone(paper > 127 ? 255 : 0, black, 255 - black));
    expect(contrast).toEqual(polarity);
  });

  it('reads one pixel', () => {
    expect(readInk({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3, 4) }).ink).toBeUndefined();
  });
});
