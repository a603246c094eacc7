/** Runs whose results stay on the GPU. */

import { checkArgument, isObject, ownValue, given as shown } from './runtime/arguments.ts';
import { ShapeError, UnsupportedError } from './runtime/errors.ts';
import type { InputData } from './runtime/gpu/executor.ts';
import { GpuTensor } from './runtime/gpu/gpu_tensor.ts';
import { rangeOf } from './runtime/gpu/readback.ts';
import { checkKinds } from './runtime/kinds.ts';
import type { PlannedTensor } from './runtime/plan/compile.ts';
import {
  eachPart,
  inputDataOf,
  partOf,
  type RunInputs,
  type Running,
  type Session,
} from './runtime/session.ts';
import { formatShape, shapesEqual, viewOfDesc, withView } from './runtime/tensor.ts';

/** Where outputs go, by name: the only one of a session, or some of them. */
export type GpuOutputs = GpuTensor | Readonly<Record<string, GpuTensor>>;

/** How `runOnGpu` is stopped. */
export interface RunOnGpuOptions {
  /**
   * Stops the run, as that of `Session.run` does. Outputs may have been written then, or not: of a batch that is cut,
   * in parts.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What a run reads, and where it puts what it gives: undefined for outputs that nobody wants. */
interface Ends {
  readonly inputs: readonly InputData[];
  readonly outputs: readonly (GpuTensor | undefined)[];
}

/**
 * Runs a model and leaves the results on the GPU, in the tensors that are given for them: nothing is read back. It is
 * done when the run has been submitted, which the GPU still has to work off; what is submitted after it finds the
 * results. Who calls it in a loop waits now and then for `device.gpu.queue.onSubmittedWorkDone()`, or for a frame. It
 * takes as many submits as `Session.run`; how long it takes is not known here, but from runs by that.
 *
 * @param session - Made with `denseOutputs: true`, where its outputs could be views.
 * @param inputs - Arrays, tensors on the GPU, or what a Preprocessor prepared.
 * @param outputs - The tensors that take them, by name, or one, where there is one output.
 * @param options - A signal that stops it.
 * @throws ShapeError for inputs and outputs that are not of the model's names and shapes, before anything is submitted.
 * @throws UnsupportedError for an output that is not row-major on the device (create the session with `denseOutputs:
 *   true`).
 * @throws GpuError for buffers of another device or without the usages that copying needs.
 * @throws DeviceLostError when the device is lost, and the signal's reason when it is aborted.
 *
 * @example
 * using probabilities = await GpuTensor.allocate(device, [1, 10]);
 * await runOnGpu(session, pixels, probabilities);
 * // A render pipeline on the same device binds probabilities.buffer.
 */
export async function runOnGpu(
  session: Session,
  inputs: RunInputs,
  outputs: GpuOutputs,
  options: RunOnGpuOptions = {},
): Promise<void> {
  checkKinds('runOnGpu', { session, options });
  const { signal } = options;
  const work = async (running: Running): Promise<void> => {
    const { executor, parts } = running;
    const ends = endsOf(session, inputs, outputs);
    await eachPart(parts, (part) => {
      const of = partOfEnds(ends, part, parts);
      const finish = (encoder: GPUCommandEncoder): void => keep(running, encoder, of);
      return executor.inTurn(
        () => executor.submit(of.inputs, finish, signal),
        ({ accepted }) => Promise.all(accepted),
        () => executor.opening.gpu.queue.onSubmittedWorkDone(),
      );
    });
  };
  return session.use(work, undefined, signal);
}

/**
 * Records a run into a command encoder of the caller's, who submits it: between passes that render, say. Inputs are
 * tensors on the GPU, which are read when the encoder is executed, as they are then; or what a Preprocessor prepared,
 * whose pictures are written when the run is recorded: submit the encoder before the Preprocessor prepares others, or
 * prepare all that goes into one encoder first. Submit it before the session is resized or disposed of, too, and not
 * while a run of the session with a `signal` goes on, whose submits it could come between. Runs that were called
 * before, and are not done, may be submitted after it. What the GPU refuses is reported by the caller's own error
 * scopes.
 *
 * @param session - As for `runOnGpu`.
 * @param encoder - Of the session's device.
 * @param inputs - Tensors on the GPU, or what a Preprocessor prepared.
 * @param outputs - The tensors that take them, by name, or one, where there is one output.
 * @throws ShapeError for inputs and outputs that are not of the model's names and shapes.
 * @throws UnsupportedError for inputs that are arrays, and for an output that is not row-major on the device.
 * @throws DeviceLostError once the device was lost: the session's next run builds it anew.
 *
 * @example
 * using digit = await GpuTensor.allocate(device, [1, 1, 28, 28]);
 * using logits = await GpuTensor.allocate(device, [1, 10]);
 * const encoder = device.gpu.createCommandEncoder();
 * encodeRun(session, encoder, digit, logits);
 * device.gpu.queue.submit([encoder.finish()]);
 */
export function encodeRun(
  session: Session,
  encoder: GPUCommandEncoder,
  inputs: RunInputs,
  outputs: GpuOutputs,
): void {
  checkKinds('encodeRun', { session, encoder });
  const running = session.prepared;
  const { opening } = running.executor;
  if (opening.lost) throw opening.lost;
  const ends = endsOf(session, inputs, outputs);
  const host = ends.inputs.findIndex((data) => data instanceof Float32Array);
  if (host >= 0) {
    throw new UnsupportedError(
      `input "${session.inputs[host]?.name}" of "${running.plan.graph.name}" must be on the GPU to be recorded, got Float32Array; write it into a GpuTensor, or call runOnGpu`,
    );
  }
  for (let part = 0; part < running.parts; part++) {
    record(running, encoder, partOfEnds(ends, part, running.parts));
  }
}

function endsOf(session: Session, inputs: RunInputs, outputs: GpuOutputs): Ends {
  const { graph, outputs: planned } = session.plan;
  const names = session.outputs.map(({ name }) => name);
  const named = namedOutputs(graph.name, outputs, names);
  const given = Object.keys(named).filter((name) => named[name] !== undefined);
  if (given.length === 0 || given.some((name) => !names.includes(name))) {
    throw new ShapeError(
      `session "${graph.name}" has the outputs ${names.join(', ')}; tensors were given for ${given.join(', ') || 'none'}`,
    );
  }
  const ends = {
    inputs: inputDataOf(graph.name, session.inputs, inputs),
    outputs: session.outputs.map(({ name, shape }, i) => {
      const tensor: unknown = ownValue(named, name);
      if (tensor === undefined) return undefined;
      const who = `output "${name}" of "${graph.name}"`;
      checkRowMajor(who, planned[i]);
      if (tensor instanceof GpuTensor && shapesEqual(tensor.shape, shape)) return tensor;
      throw new ShapeError(
        `${who} must be a GpuTensor ${formatShape(shape)}, got ${shown(tensor)}`,
      );
    }),
  };
  checkApart(graph.name, ends, session.prepared.parts);
  return ends;
}

/**
 * What is written last would stand where two outputs share memory. An input may be an output; of a batch that runs in
 * parts, where the parts of both lie at the same bytes.
 */
function checkApart(graph: string, { inputs, outputs }: Ends, parts: number): void {
  const written = outputs.filter((tensor) => tensor !== undefined);
  const read = inputs.filter((data) => data instanceof GpuTensor);
  const shares = written.some(
    (one, i) =>
      written.some((other, j) => j < i && one.overlaps(other)) ||
      (parts > 1 && read.some((other) => one.overlaps(other) && !one.covers(other))),
  );
  if (!shares) return;
  throw new ShapeError(
    `outputs of "${graph}" share memory with one another, or with an input of a batch that runs in parts; give them tensors of their own`,
  );
}

/** Nothing for one tensor where there are several outputs. */
function namedOutputs(
  graph: string,
  outputs: GpuOutputs,
  names: readonly string[],
): Readonly<Record<string, GpuTensor>> {
  if (!(outputs instanceof GpuTensor)) {
    const fits = isObject(outputs) && !ArrayBuffer.isView(outputs) && !Array.isArray(outputs);
    const expected = 'a GpuTensor, or GpuTensors by their names';
    checkArgument(fits, `outputs of "${graph}"`, expected, outputs);
    return { ...outputs };
  }
  return names.length === 1 ? Object.fromEntries(names.map((name) => [name, outputs])) : {};
}

function checkRowMajor(who: string, output: PlannedTensor | undefined): void {
  if (!output) return;
  const { desc } = output;
  const { strides } = viewOfDesc(desc);
  if (desc.dtype === 'f32' && !withView(desc, { offset: 0, strides }).view) return;
  throw new UnsupportedError(
    `${who} lies on the device as ${desc.dtype} with strides ${formatShape(strides)}; create the session with denseOutputs: true, and not observed`,
  );
}

function partOfEnds({ inputs, outputs }: Ends, part: number, parts: number): Ends {
  if (parts === 1) return { inputs, outputs };
  return {
    inputs: inputs.map((data) => partOf(data, part, parts)),
    outputs: outputs.map((tensor) => tensor?.part(part, parts)),
  };
}

function record(running: Running, encoder: GPUCommandEncoder, ends: Ends): void {
  const { executor, plan } = running;
  executor.writeInputs(encoder, ends.inputs);
  const pass = encoder.beginComputePass({ label: plan.graph.name });
  for (const dispatch of executor.recorders()) dispatch(pass);
  pass.end();
  keep(running, encoder, ends);
}

/** Records that the outputs become what a run gives. */
function keep({ executor, plan }: Running, encoder: GPUCommandEncoder, ends: Ends): void {
  plan.outputs.forEach((output, i) => {
    ends.outputs[i]?.take(encoder, executor.bufferOf(output), rangeOf(output.desc).from);
  });
}
