/**
 * A network in a worker: the page goes on drawing and answering while weights are read, kernels compiled and pictures
 * classified (`worker.ts`). Pixels are transferred, not copied: after `postMessage` the worker has them, and the page
 * no longer. `npm install && npm start`, and open the address that Vite prints.
 */
import type { Answer, Question } from './worker.ts';

const [input] = document.getElementsByTagName('input');
const [output] = document.getElementsByTagName('pre');
if (!input || !output) throw new Error('index.html has both');

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }: MessageEvent<Answer>) => {
  input.disabled = false;
  output.textContent += 'name' in data ? `\n${data.name}: ${data.label}` : `\n${data.ready}`;
};

input.onchange = async () => {
  for (const file of input.files ?? []) {
    const pixels = await pixelsOf(file);
    const question: Question = { name: file.name, pixels };
    worker.postMessage(question, [pixels.data.buffer]);
  }
};

/** What the worker needs to look for a digit. For photos, transfer the ImageBitmap itself. */
async function pixelsOf(file: File): Promise<ImageData> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new Error('the browser draws no canvas');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}
