import { button, element } from '../dom.ts';
import { fileButton } from './file_button.ts';
import { kindOf } from './file_kind.ts';
import { decodePicture, fetchPicture } from './picture_file.ts';
import { ProgressBar } from './progress.ts';
import { samplePhotos } from './sample_photos.ts';

export interface PictureTaker {
  /** Something else is wanted: what was wrong before matters no more. */
  readonly begin: () => void;
  readonly take: (picture: ImageBitmap) => void;
  readonly takeWeights: (file: File) => void;
  readonly fail: (error: unknown) => void;
}

/** Every way to hand a still picture over: samples, a file that is chosen, dropped or pasted, an address. */
export class PictureSources {
  readonly element: HTMLElement;
  readonly #taker: PictureTaker;
  readonly #progress = new ProgressBar();

  /** With more options beside it, such as a size. */
  constructor(taker: PictureTaker, ...more: readonly HTMLElement[]) {
    this.#taker = taker;
    const samples = samplePhotos.map(({ title, url }) =>
      button(element('img', { src: url, alt: '', width: 72, height: 48 }), () => this.#fetch(url), {
        class: 'sample',
        'aria-label': title,
        title,
      }),
    );
    const file = fileButton({
      label: 'Choose a picture …',
      name: 'Picture file',
      accept: 'image/*',
      onFile: (chosen) => this.takeFile(chosen),
    });
    this.element = element(
      'div',
      { class: 'toolbar sources' },
      ...samples,
      file,
      addressForm((url) => this.#fetch(url)),
      ...more,
      this.#progress.element,
    );
  }

  /** The first sample, for a page that has just been opened. */
  begin(): void {
    const [first] = samplePhotos;
    this.#fetch(first.url);
  }

  /** A picture, or weights; the taker hears of what is neither. */
  takeFile(file: File): void {
    this.#taker.begin();
    try {
      if (kindOf(file) === 'weights') this.#taker.takeWeights(file);
      else void this.#give(`Reading ${file.name} …`, async () => file);
    } catch (error) {
      this.#taker.fail(error);
    }
  }

  #fetch(url: string): void {
    this.#taker.begin();
    const say = (text: string): void => this.#progress.show(text);
    void this.#give(`Loading ${url} …`, (signal) => fetchPicture(url, signal, say));
  }

  async #give(text: string, load: (signal: AbortSignal) => Promise<Blob>): Promise<void> {
    try {
      const picture = await this.#progress.during(text, async (signal) =>
        decodePicture(await load(signal)),
      );
      if (picture) this.#taker.take(picture);
    } catch (error) {
      this.#taker.fail(error);
    }
  }
}

function addressForm(give: (url: string) => void): HTMLElement {
  const address = element('input', {
    type: 'url',
    required: true,
    placeholder: 'https://… address of a picture',
    'aria-label': 'Address of a picture',
  });
  const form = element('form', { class: 'toolbar' }, address, element('button', {}, 'Load'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    give(address.value);
  });
  return form;
}
