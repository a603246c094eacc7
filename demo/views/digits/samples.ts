const URLS = Object.values(
  import.meta.glob<string>('../../../samples/digits/[0-9].png', {
    eager: true,
    query: '?url',
    import: 'default',
  }),
);

/** A sample digit, another than the last one. */
export class DigitSamples {
  #last: string | undefined;

  async next(): Promise<HTMLImageElement> {
    const others = URLS.filter((url) => url !== this.#last);
    this.#last = others[Math.floor(Math.random() * others.length)] ?? URLS[0] ?? '';
    const image = new Image();
    image.src = this.#last;
    await image.decode();
    return image;
  }
}
