/**
 * Which pictures are alike: a network makes a vector of each, and vectors of similar pictures point the same way. The
 * pictures that you choose are shown in the order of their likeness to the first.
 *
 * `npm install && npm start`, and open the address that Vite prints. It downloads ResNet-18 (47 MB, BSD 3-Clause), or
 * takes weights from `?weights=URL`.
 */
import { cosineSimilarity, Device, Embedder, fetchSafetensors, findModel } from 'tilewise';

const OFFER = 'https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors';

const [input] = document.getElementsByTagName('input');
const [output] = document.getElementsByTagName('output');
const [main] = document.getElementsByTagName('main');
if (!input || !output || !main) throw new Error('index.html has all three');

const device = await Device.open(navigator.gpu);
const asked = new URLSearchParams(location.search).get('weights');
const weights = await fetchSafetensors(asked ?? OFFER);
const embedder = await Embedder.create(device, findModel('resnet18'), { weights });
output.value = `ready on ${device.adapter.name}`;
input.disabled = false;

input.onchange = async () => {
  const vectors: (readonly [File, Float32Array])[] = [];
  for (const file of input.files ?? []) {
    const picture = await createImageBitmap(file);
    vectors.push([file, await embedder.embed(picture)]);
    picture.close();
  }
  const [first] = vectors;
  if (!first) return;
  const likenesses = vectors.map(
    ([file, vector]) => [file, cosineSimilarity(first[1], vector)] as const,
  );
  likenesses.sort(([, a], [, b]) => b - a);
  main.replaceChildren(...likenesses.map(([file, likeness]) => figure(file, likeness)));
};

function figure(file: File, likeness: number): HTMLElement {
  const image = document.createElement('img');
  image.src = URL.createObjectURL(file);
  image.onload = () => URL.revokeObjectURL(image.src);
  const caption = document.createElement('figcaption');
  caption.textContent = `${file.name}: ${likeness.toFixed(3)}`;
  const whole = document.createElement('figure');
  whole.append(image, caption);
  return whole;
}
