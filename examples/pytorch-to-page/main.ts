/**
 * A model from PyTorch in a page: `python export.py` writes it as ONNX, with an input and what PyTorch makes of that;
 * `npm install && npm start` opens it here, runs it, and says how far the two are apart.
 */
import { createSession, Device, deviation } from 'tilewise';
import { type NumpyArray, readNpz } from 'tilewise/numpy';
import { loadOnnx } from 'tilewise/onnx';

const [output] = document.getElementsByTagName('pre');
if (!output) throw new Error('index.html has it');

const { graph, weights } = loadOnnx(await bytesOf('model.onnx'));
const arrays = readNpz(await bytesOf('expected.npz'));
const device = await Device.open(navigator.gpu);
const session = await createSession(device, graph, { weights });

// Arrays are named as the model's inputs and outputs are.
const inputs = session.inputs.map(({ name }) => [name, arrayOf(name).data] as const);
const results = await session.run(Object.fromEntries(inputs));
const lines = session.outputs.map(({ name }) => {
  const { shape, data } = arrayOf(name);
  const found = deviation(Float64Array.from(data), results[name] ?? new Float32Array(), shape);
  const share = found.error.toExponential(1);
  return `${name} [${shape}]: within ${share} of PyTorch's largest value, ${found.ok ? 'as it should be' : 'WRONG'}`;
});
output.textContent = [`on ${device.adapter.name}`, ...lines].join('\n');

function arrayOf(name: string): NumpyArray {
  const array = arrays.get(name);
  if (!array)
    throw new Error(`expected.npz has no "${name}", only ${[...arrays.keys()].join(', ')}`);
  return array;
}

/** A file of public/. */
async function bytesOf(name: string): Promise<Uint8Array> {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}; run export.py first`);
  return new Uint8Array(await response.arrayBuffer());
}
