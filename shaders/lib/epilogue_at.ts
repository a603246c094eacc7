import { type Epilogue, epilogueText } from './epilogue.ts';

/**
 * The epilogue of kernels that know an element of a dense output by its index only: `epilogue_at(value, at)`, for the
 * head of a module. The shape is the output's, seen as [N, C, ...]; of less than two axes, as the last of them.
 */
export function epilogueAtText(epilogue: Epilogue | undefined, shape: readonly number[]): string {
  const [channels = 1, ...inner] = shape.length < 2 ? shape : shape.slice(1);
  return `
const EPILOGUE_CHANNELS = ${channels}u;
const EPILOGUE_PLANE = ${inner.reduce((product, extent) => product * extent, 1)}u;
${epilogueText(epilogue)}

fn epilogue_at(value: f32, at: u32) -> f32 {
  let nth = at / EPILOGUE_PLANE;
  return epilogue(value, nth / EPILOGUE_CHANNELS, nth % EPILOGUE_CHANNELS, at % EPILOGUE_PLANE);
}`;
}
