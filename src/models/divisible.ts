/**
 * The multiple of `divisor` nearest to a number of channels, and no more than a tenth below it: how networks that are
 * scaled in width keep channels that hardware likes.
 */
export function divisible(channels: number, divisor = 8): number {
  const nearest = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return nearest < 0.9 * channels ? nearest + divisor : nearest;
}
