/** The last part of `npm run build`: LeNet's weights for the package, in f16, half as large as the repository's. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertSafetensors } from '../src/index.ts';

const ROOT = join(import.meta.dirname, '..');
const NAME = 'lenet-mnist.safetensors';

const whole = readFileSync(join(ROOT, 'weights', NAME));
writeFileSync(join(ROOT, 'dist', NAME), convertSafetensors(whole, { to: 'f16', name: NAME }).bytes);
