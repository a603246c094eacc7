import { type Dimensions, dimensions } from './dimensions.ts';
import { type Epilogue, type EpilogueForm, epilogueModule } from './epilogue.ts';

/**
 * The epilogue of kernels that know an element of a dense output by its index only: `epilogue_at(value, at)`, for the
 * head of a module. The shape is the output's, seen as [N, C, ...]; of less than two axes, as the last of them.
 */
export function epilogueAtText(
  epilogue: Epilogue | undefined,
  shape: readonly number[],
  form: EpilogueForm & ('compiled' | 'parameters') = 'compiled',
): string {
  const [channels = 1, ...inner] = shape.length < 2 ? shape : shape.slice(1);
  const { text, sizes, sizeArguments } = epilogueModule(epilogue, 1, form);
  return `
const EPILOGUE_CHANNELS = ${channels}u;
const EPILOGUE_PLANE = ${inner.reduce((product, extent) => product * extent, 1)}u;
${sizeArguments === '' ? '' : dimensions(sizes).declarations}
${text}

fn epilogue_at(value: f32, at: u32) -> f32 {
  let nth = at / EPILOGUE_PLANE;
  let image = nth / EPILOGUE_CHANNELS;
  let channel = nth % EPILOGUE_CHANNELS;
  let place = at % EPILOGUE_PLANE;
  return epilogue(value, image, channel, place${sizeArguments.replaceAll(', ', ', dimensions.')});
}`;
}

/** What a kernel binds for an epilogue in the form `parameters`, where there are any. */
export function parameterWords(epilogue: Epilogue | undefined): Dimensions['words'] {
  const words = Object.values(epilogueModule(epilogue, 1, 'parameters').sizes);
  return words.length > 0 ? words : undefined;
}
