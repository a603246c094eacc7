import chelsea from '../../samples/photos/chelsea.png?url';
import coffee from '../../samples/photos/coffee.png?url';

/** CC0, from scikit-image. */
export const samplePhotos = [
  { title: 'Cat', url: chelsea },
  { title: 'Coffee', url: coffee },
] as const;
