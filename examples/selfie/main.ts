/**
 * You before a blurred background, as in a video call: MediaPipe's network for selfies, of TFLite's format (250 kB,
 * Apache 2.0, from npm), finds who is in front of the webcam. Picture, network and drawing share one GPUDevice, and no
 * value ever comes back to the CPU (`blurred_background.ts`).
 *
 * `npm install && npm start`, and open the address that Vite prints; `?video=URL` takes a film in place of the webcam.
 */
import selfieUrl from '@mediapipe/selfie_segmentation/selfie_segmentation.tflite?url';
import { createSession, Device, type Preprocessing } from 'tilewise';
import { loadOnnx } from 'tilewise/onnx';
import { tfliteToOnnx } from 'tilewise/tflite';
import { BlurredBackground } from './blurred_background.ts';

/** The network sees the whole picture, as values of 0 to 1. */
const PREPROCESSING: Preprocessing = {
  channels: 'rgb',
  size: [256, 256],
  fit: { mode: 'stretch' },
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'nhwc',
};

const video = await openVideo(new URLSearchParams(location.search).get('video'));
const device = await Device.open(navigator.gpu);
const file = new Uint8Array(await (await fetch(selfieUrl)).arrayBuffer());
const { graph, weights } = loadOnnx(tfliteToOnnx(file));
const session = await createSession(device, graph, { weights });

const canvas = document.createElement('canvas');
[canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
const output = document.createElement('output');
document.body.append(canvas, output);
const background = await BlurredBackground.create(device, session, PREPROCESSING, canvas);
let frames = 0;

async function nextFrame(): Promise<void> {
  await background.draw(video);
  output.value = `${++frames} frames on ${device.adapter.name}`;
  video.requestVideoFrameCallback(nextFrame);
}
video.requestVideoFrameCallback(nextFrame);

/** The film at this address, or the webcam, playing. */
async function openVideo(url: string | null): Promise<HTMLVideoElement> {
  const element = document.createElement('video');
  element.muted = true;
  element.loop = true;
  if (url) element.src = url;
  else element.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  await element.play();
  return element;
}
