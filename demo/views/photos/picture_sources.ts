import { fileButton } from '../../components/file_button.ts';
import { ProgressBar } from '../../components/progress.ts';
import { button, element } from '../../dom.ts';
import { formatBytes } from '../../format.ts';
import { samplePhotos } from './samples.ts';

/** More pixels than any camera's picture; decoding takes 4 bytes each. */
const MOST_BYTES = 100e6;

export interface PictureTaker {
  readonly take: (picture: ImageBitmap) => void;
  /** A dropped file that is no picture. */
  readonly takeWeights: (file: File) => void;
  readonly fail: (error: unknown) => void;
}

/** Every way to hand a still picture over: samples, a file, dropping, pasting, an address. */
export function pictureSources(taker: PictureTaker): HTMLElement {
  const progress = new ProgressBar();
  const give = (text: string, load: (signal: AbortSignal) => Promise<Blob>): void => {
    const picture = progress.during(text, async (signal) => decode(await load(signal)));
    picture.then((loaded) => loaded && taker.take(loaded), taker.fail);
  };
  const giveUrl = (url: string): void =>
    give(`Loading ${url} …`, (signal) => load(url, signal, (text) => progress.show(text)));
  const takeFile = (file: File): void => {
    if (/\.(safetensors|onnx)$/i.test(file.name)) taker.takeWeights(file);
    else give(`Reading ${file.name} …`, async () => file);
  };
  listenForFiles(takeFile);

  const samples = samplePhotos.map(({ title, url }) =>
    button(element('img', { src: url, alt: '', width: 72, height: 48 }), () => giveUrl(url), {
      class: 'sample',
      'aria-label': title,
      title,
    }),
  );
  const file = fileButton({
    label: 'Choose a picture …',
    name: 'Picture file',
    accept: 'image/*',
    onFile: takeFile,
  });
  return element(
    'div',
    { class: 'toolbar sources' },
    ...samples,
    file,
    addressForm(giveUrl),
    progress.element,
  );
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

/** Files that are dropped on the page or pasted, while the view of these sources is in sight. */
function listenForFiles(take: (file: File) => void): void {
  const first = (files: FileList | undefined): void => {
    const file = files?.[0];
    if (file && location.hash.startsWith('#photos')) take(file);
  };
  const markDrop = (over: boolean): void => {
    document.body.classList.toggle('dropping', over && location.hash.startsWith('#photos'));
  };
  addEventListener('dragover', (event) => {
    event.preventDefault();
    markDrop(true);
  });
  addEventListener('dragleave', ({ relatedTarget }) => markDrop(relatedTarget !== null));
  addEventListener('drop', (event) => {
    event.preventDefault();
    markDrop(false);
    first(event.dataTransfer?.files);
  });
  addEventListener('paste', (event) => first(event.clipboardData?.files));
}

/** Stops in the middle of a file that turns out too large. */
async function load(url: string, signal: AbortSignal, say: (text: string) => void): Promise<Blob> {
  const response = await fetch(url, { signal }).catch(() => {
    throw new Error(
      `“${url}” could not be reached; its server may not allow other pages to read it`,
    );
  });
  if (!response.ok) throw new Error(`“${url}”: the server answered ${response.status}`);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const reader = response.body?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    bytes += value.length;
    if (bytes > MOST_BYTES) throw tooLarge(`more than ${formatBytes(MOST_BYTES)}`);
    say(`Loading ${url}: ${formatBytes(bytes)}`);
  }
  return new Blob(chunks);
}

/** Values as the file has them: colours are not converted, alpha stays straight. */
async function decode(file: Blob): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES) throw tooLarge(formatBytes(file.size));
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;
  return createImageBitmap(file, options).catch(() => {
    const name = file instanceof File ? `“${file.name}”` : 'this file';
    throw new Error(`${name} is no picture that this browser reads`);
  });
}

function tooLarge(size: string): Error {
  return new Error(`the picture has ${size}; make it smaller, ${formatBytes(MOST_BYTES)} are read`);
}
