/** How near vectors are to one another. */
import { checkArgument } from '../runtime/arguments.ts';
import { ShapeError } from '../runtime/errors.ts';

/**
 * The cosine of the angle between two vectors, in f64: 1 where they point the same way, 0 where they have nothing in
 * common, -1 where they are opposite; 0 where one of them is all zeros. Of vectors one long, it is their dot product.
 *
 * @param a - A vector, such as `Embedder.embed` makes.
 * @param b - Another one of the same length.
 * @throws ShapeError for vectors of different lengths.
 * @throws TilewiseError for what is no Float32Array.
 *
 * @example
 * console.log(cosineSimilarity(Float32Array.of(1, 0), Float32Array.of(1, 1))); // 0.7071067811865475
 */
export function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  for (const [name, vector] of Object.entries({ a, b })) {
    const fits = vector instanceof Float32Array;
    checkArgument(fits, `cosineSimilarity: ${name}`, 'a Float32Array', vector);
  }
  const [of, length] = [a.length, b.length];
  checkArgument(of === length, 'cosineSimilarity: b', `${of} elements, as a`, length, ShapeError);
  const product = dot(a, b);
  // Also where one of them has no length to divide by.
  return product === 0 ? 0 : product / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)));
}

/** The vector, made one long in its place; zeros stay as they are. */
export function normalized(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  if (length > 0) for (const [i, value] of vector.entries()) vector[i] = value / length;
  return vector;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += value * (b[i] ?? 0);
  return sum;
}
