/** The worker's side: a device, a network and its answers. A worker has WebGPU wherever its page has. */
import { Classifier, Device, fetchSafetensors, lenet } from 'tilewise';
import weightsUrl from 'tilewise/lenet.safetensors?url';

/** From the page. */
export interface Question {
  readonly name: string;
  readonly pixels: ImageData;
}

/** To the page: first that all is ready, then an answer to each question, in their order. */
export type Answer =
  | { readonly ready: string }
  | { readonly name: string; readonly label: string; readonly probability: number };

// What is sent before the classifier is ready waits for it.
const opening = open();

addEventListener('message', async ({ data: { name, pixels } }: MessageEvent<Question>) => {
  const classifier = await opening;
  const [best] = await classifier.classify(pixels, 1);
  if (best) answer({ name, label: best.label, probability: best.probability });
});

async function open(): Promise<Classifier> {
  const device = await Device.open(navigator.gpu);
  const weights = await fetchSafetensors(weightsUrl);
  const classifier = await Classifier.create(device, lenet, { weights });
  answer({ ready: `ready on ${device.adapter.name}` });
  return classifier;
}

function answer(message: Answer): void {
  postMessage(message);
}
