import { MissingPackageError } from './missing_package_error.ts';

/** The package sharp, which is optional. Throws MissingPackageError where it is not installed. */
export async function loadSharp(): Promise<typeof import('sharp').default> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new MissingPackageError(
      'Node reads and writes no images by itself; install the package "sharp" (npm install sharp)',
      ['sharp'],
      { cause },
    );
  }
}
