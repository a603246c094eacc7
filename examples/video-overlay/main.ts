/**
 * What each pixel of a live video belongs to, in colour over it. Picture, network and drawing share one GPUDevice and,
 * for each frame, one submit: no value ever comes back to the CPU (`mask_overlay.ts`).
 *
 * `npm install && npm start`, and open the address that Vite prints, with what it is to use:
 *
 * - `?weights=URL`: torchvision's weights as .safetensors, `public/lraspp.safetensors` by default, which Python makes:
 *   `safetensors.torch.save_file(torchvision.models.segmentation.lraspp_mobilenet_v3_large(weights="DEFAULT")
 *   .state_dict(), "public/lraspp.safetensors")`;
 * - `&video=URL`: a film in place of the webcam;
 * - `&side=320`: pixels of the shorter side of what the network sees.
 */
import {
  buildModel,
  createSession,
  Device,
  fetchSafetensors,
  findModel,
  imagenetPreprocessing,
} from 'tilewise';
import { MaskOverlay } from './mask_overlay.ts';

const asked = new URLSearchParams(location.search);
const video = await openVideo(asked.get('video'));
const device = await Device.open(navigator.gpu);

// Torchvision's models are trained on pictures of this mean and deviation; the network sees the whole frame.
const scale = Number(asked.get('side') ?? 320) / Math.min(video.videoWidth, video.videoHeight);
const size = [Math.round(scale * video.videoHeight), Math.round(scale * video.videoWidth)] as const;
const preprocessing = { ...imagenetPreprocessing, size, fit: { mode: 'stretch' } } as const;
const graph = buildModel(findModel('lraspp_mobilenet_v3_large'), { size });
const weights = await fetchSafetensors(asked.get('weights') ?? 'lraspp.safetensors');
const session = await createSession(device, graph, { weights });

const canvas = document.createElement('canvas');
[canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
const output = document.createElement('output');
document.body.append(canvas, output);
const overlay = await MaskOverlay.create(device, session, preprocessing, canvas);
let frames = 0;

async function nextFrame(): Promise<void> {
  await overlay.draw(video);
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
