import { button, element } from '../dom.ts';
import { samplePhotos } from '../views/photos/samples.ts';
import type { Fault } from './fault.ts';
import { fileButton } from './file_button.ts';
import { decodePicture, fetchPicture } from './picture_file.ts';
import { ProgressBar } from './progress.ts';

export interface PictureSourcesOptions {
  /** Of the button that chooses a file, for those who do not see it: `Picture to segment`. */
  readonly name: string;
  /** Where it is said what is wrong with a picture. */
  readonly fault: Fault;
  /** A file that was chosen, of any kind. */
  readonly onFile: (file: File) => void;
  readonly onPicture: (picture: ImageBitmap) => void;
}

/** Pictures to choose from, of which the last one that was chosen is loaded and handed over. */
export class PictureSources {
  readonly element: HTMLElement;
  readonly #options: PictureSourcesOptions;
  readonly #loading = new ProgressBar();

  /** With more options beside it, such as a size. */
  constructor(options: PictureSourcesOptions, ...more: readonly HTMLElement[]) {
    this.#options = options;
    const samples = samplePhotos.map(({ title, url }) =>
      button(element('img', { src: url, alt: '', width: 72, height: 48 }), () => this.#fetch(url), {
        class: 'sample',
        'aria-label': title,
        title,
      }),
    );
    const { name, onFile } = options;
    const file = fileButton({ label: 'Choose a picture …', name, accept: 'image/*', onFile });
    this.element = element(
      'div',
      { class: 'toolbar picture-sources' },
      ...samples,
      file,
      ...more,
      this.#loading.element,
    );
  }

  /** The first sample, for a page that has just been opened. */
  begin(): void {
    const [first] = samplePhotos;
    this.#fetch(first.url);
  }

  take(file: File): void {
    void this.#give(async () => file);
  }

  #fetch(url: string): void {
    void this.#give((signal) => fetchPicture(url, signal, (text) => this.#loading.show(text)));
  }

  async #give(load: (signal: AbortSignal) => Promise<Blob>): Promise<void> {
    const { fault, onPicture } = this.#options;
    fault.clear();
    try {
      const picture = await this.#loading.during('Loading the picture …', async (signal) =>
        decodePicture(await load(signal)),
      );
      if (picture) onPicture(picture);
    } catch (error) {
      fault.show(error);
    }
  }
}
