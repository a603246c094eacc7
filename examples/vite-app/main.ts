/**
 * The smallest app with a bundler: it says which digit is in a picture that you choose.
 *
 * `npm install && npm start`, and open the address that Vite prints. The weights of LeNet come with the package; for
 * photos, put `resnet50` in the place of `lenet`, the address of a .safetensors file in that of the weights, and give
 * `classify` the ImageBitmap itself: only digits are looked for on the CPU.
 */
import { Classifier, Device, fetchSafetensors, isSupported, lenet } from 'tilewise';
import weightsUrl from 'tilewise/lenet.safetensors?url';

const [input] = document.getElementsByTagName('input');
const [output] = document.getElementsByTagName('pre');
if (!input || !output) throw new Error('index.html has both');

const support = await isSupported();
if (support.supported) {
  const device = await Device.open(support.gpu, support);
  const weights = await fetchSafetensors(weightsUrl);
  const classifier = await Classifier.create(device, lenet, { weights });
  input.onchange = async () => {
    const [file] = input.files ?? [];
    if (!file) return;
    const found = await classifier.classify(await pixelsOf(file), 3);
    const lines = found.map(
      ({ label, probability }) => `${label}: ${(100 * probability).toFixed(1)} %`,
    );
    output.textContent = lines.join('\n');
  };
  input.disabled = false;
  output.textContent = `ready on ${device.adapter.name}`;
} else {
  output.textContent = support.reason;
}

async function pixelsOf(file: File): Promise<ImageData> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new Error('the browser draws no canvas');
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}
