/**
 * three.js and Tilewise on one GPUDevice: a network computes heights from a picture, 60 times a second, into a storage
 * buffer of three's, and a material moves and colours its vertices by it. Nothing comes back to the CPU.
 *
 * `npm install && npm start`, and open the address that Vite prints. The network here blurs the picture, and needs no
 * weights; for one that does, put `buildModel` or `loadOnnx` in the place of `hills`.
 */

import { mix, positionLocal, storage, varying, vec3, vertexIndex } from 'three/tsl';
import * as THREE from 'three/webgpu';
import {
  averagePool2d,
  createSession,
  Device,
  GpuTensor,
  type Graph,
  GraphBuilder,
  Preprocessor,
  reduce,
  runOnGpu,
  syntheticWeights,
} from 'tilewise';

/** Pixels a side of the picture, and vertices a side of the relief. */
const SIDE = 96;
const SHAPE = [1, 1, SIDE, SIDE];

/** The part of three's WebGPU backend that its types leave out. */
interface WebGpuBackend {
  readonly device: GPUDevice;
  createStorageAttribute(attribute: THREE.StorageBufferAttribute): void;
  get(attribute: THREE.StorageBufferAttribute): { readonly buffer: GPUBuffer };
}

const renderer = new THREE.WebGPURenderer();
await renderer.init();
if (!('isWebGPUBackend' in renderer.backend)) throw new Error('this browser has no WebGPU');
const backend = renderer.backend as unknown as WebGpuBackend;
// It has WebGPU's default limits and what features there are. Large networks may want a device that was asked for by
// `deviceDescriptor(adapter)`: give it to the renderer as `{ device }`.
const device = Device.from(backend.device);

const session = await createSession(device, hills(), { weights: syntheticWeights([]) });
const preprocessor = await Preprocessor.create(device, {
  channels: 'rgb',
  size: [SIDE, SIDE],
  fit: { mode: 'stretch' },
  mean: [0, 0, 0],
  std: [1, 1, 1],
});

// three owns the buffer, and Tilewise writes into it.
const attribute = new THREE.StorageBufferAttribute(SIDE * SIDE, 1);
backend.createStorageAttribute(attribute);
const heights = GpuTensor.of(backend.get(attribute).buffer, SHAPE);

const height = storage(attribute, 'float', SIDE * SIDE)
  .toReadOnly()
  .element(vertexIndex);
const material = new THREE.MeshBasicNodeMaterial();
material.positionNode = positionLocal.add(vec3(0, 0, height));
material.colorNode = mix(vec3(0, 0.1, 0.4), vec3(1, 0.8, 0.3), varying(height));

const scene = new THREE.Scene();
// Its vertices are in rows from the top, as pixels are.
const relief = new THREE.Mesh(new THREE.PlaneGeometry(4, 4, SIDE - 1, SIDE - 1), material);
relief.rotation.x = -1;
scene.add(relief);
const camera = new THREE.PerspectiveCamera(50, innerWidth / innerHeight, 0.1, 100);
camera.position.z = 4;
renderer.setSize(innerWidth, innerHeight);
document.body.append(renderer.domElement);

const picture = new OffscreenCanvas(SIDE, SIDE);
const paint = picture.getContext('2d');
requestAnimationFrame(frame);

async function frame(milliseconds: number): Promise<void> {
  if (paint) drawRing(paint, milliseconds / 1000);
  // One queue: what three submits after it finds the new heights.
  await runOnGpu(session, await preprocessor.prepare([picture]), heights);
  renderer.render(scene, camera);
  requestAnimationFrame(frame);
}

/** What a network for pictures could be: here, the brightness of a picture, blurred. */
function hills(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('picture', [1, 3, SIDE, SIDE]);
  const grey = reduce(g.at('grey'), x, 'mean', { axes: [1] });
  const window = { kernel: 9, stride: 1, padding: 4 };
  const once = averagePool2d(g.at('blur1'), grey, window);
  g.output('heights', averagePool2d(g.at('blur2'), once, window));
  return g.build('hills');
}

/** A ring that goes around. */
function drawRing(context: OffscreenCanvasRenderingContext2D, seconds: number): void {
  context.fillStyle = 'black';
  context.fillRect(0, 0, SIDE, SIDE);
  context.strokeStyle = 'white';
  context.lineWidth = SIDE / 8;
  context.beginPath();
  const [x, y] = [Math.cos(seconds), Math.sin(seconds)].map((v) => (0.5 + 0.2 * v) * SIDE);
  context.arc(x ?? 0, y ?? 0, SIDE / 5, 0, 2 * Math.PI);
  context.stroke();
}
