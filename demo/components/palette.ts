/**
 * Colours of feature maps: zero is the dark of the drawing board, positive values go over orange to white,
 * negative ones over blue to white. The same in light and dark pages, as the maps are pictures.
 */
type Rgb = readonly [number, number, number];

const ZERO: Rgb = [22, 24, 31];
const POSITIVE: readonly Rgb[] = [ZERO, [232, 137, 41], [255, 250, 235]];
const NEGATIVE: readonly Rgb[] = [ZERO, [58, 123, 213], [228, 242, 255]];

/** RGBA words, little-endian, for the values -128 .. 127, by value + 128. */
export const palette: Uint32Array = Uint32Array.from({ length: 256 }, (_, i) => {
  const value = i - 128;
  const [r, g, b] = between(value < 0 ? NEGATIVE : POSITIVE, Math.min(1, Math.abs(value) / 127));
  return (255 << 24) | (b << 16) | (g << 8) | r;
});

function between(stops: readonly Rgb[], at: number): Rgb {
  const place = at * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const from = stops[index] ?? ZERO;
  const to = stops[index + 1] ?? ZERO;
  const mix = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * (place - index));
  return [mix(0), mix(1), mix(2)];
}
