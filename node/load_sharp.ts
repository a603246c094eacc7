import { UnsupportedError } from '../src/index.ts';

/** The package sharp, which is optional. Throws UnsupportedError where it is not installed. */
export async function loadSharp(): Promise<typeof import('sharp').default> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new UnsupportedError(
      'Node reads and writes no images by itself; install the package "sharp" (npm install sharp)',
      { cause },
    );
  }
}
