import { button, element } from '../../dom.ts';
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
  const give = (picture: Promise<Blob>): void => {
    picture.then(decode).then(taker.take, taker.fail);
  };
  const takeFile = (file: File): void => {
    if (/\.(safetensors|onnx)$/i.test(file.name)) taker.takeWeights(file);
    else give(Promise.resolve(file));
  };
  listenForFiles(takeFile);

  const samples = samplePhotos.map(({ title, url }) =>
    button(element('img', { src: url, alt: '', width: 72, height: 48 }), () => give(load(url)), {
      class: 'sample',
      'aria-label': title,
      title,
    }),
  );
  const file = element('input', { type: 'file', accept: 'image/*', 'aria-label': 'Picture file' });
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    if (chosen) takeFile(chosen);
    file.value = '';
  });
  const address = element('input', {
    type: 'url',
    required: true,
    placeholder: 'https://… address of a picture',
    'aria-label': 'Address of a picture',
  });
  const form = element('form', { class: 'toolbar' }, address, element('button', {}, 'Load'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    give(load(address.value));
  });
  return element('div', { class: 'toolbar sources' }, ...samples, file, form);
}

/** Files that are dropped on the page or pasted, while the view of these sources is in sight. */
function listenForFiles(take: (file: File) => void): void {
  const first = (files: FileList | undefined): void => {
    const file = files?.[0];
    if (file && location.hash.startsWith('#photos')) take(file);
  };
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    first(event.dataTransfer?.files);
  });
  addEventListener('paste', (event) => first(event.clipboardData?.files));
}

async function load(url: string): Promise<Blob> {
  const response = await fetch(url).catch(() => {
    throw new Error(
      `“${url}” could not be reached; its server may not allow other pages to read it`,
    );
  });
  if (!response.ok) throw new Error(`“${url}”: the server answered ${response.status}`);
  return response.blob();
}

/** Values as the file has them: colours are not converted, alpha stays straight. */
async function decode(file: Blob): Promise<ImageBitmap> {
  if (file.size > MOST_BYTES)
    throw new Error(`the picture has ${file.size} bytes, at most ${MOST_BYTES} are read`);
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const;
  return createImageBitmap(file, options).catch(() => {
    const name = file instanceof File ? `“${file.name}”` : 'this file';
    throw new Error(`${name} is no picture that this browser reads`);
  });
}
