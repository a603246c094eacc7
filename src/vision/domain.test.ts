import { describe, expect, it } from 'vitest';
import type { ModelDef } from '../models/model.ts';
import { preprocessingOf } from './domain.ts';

const model = (more: Partial<ModelDef>): ModelDef => ({
  name: 'mine',
  summary: '',
  domain: 'masks',
  channels: 3,
  size: [8, 8],
  classes: 1,
  build: () => expect.fail('it is not built'),
  ...more,
});

describe('preprocessingOf', () => {
  it('takes what the file says, and what is given in place of it', () => {
    const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };
    const own = { mean: [0.5, 0.5, 0.5] };
    const one = model({ normalization });
    expect(preprocessingOf('it', one, {})).toMatchObject(normalization);
    expect(preprocessingOf('it', one, { preprocessing: own })).toMatchObject({
      ...normalization,
      ...own,
    });
  });

  it('sees in grey where the file normalises one channel', () => {
    const normalization = { mean: [0.5], std: [0.25] };
    const expected = { ...normalization, channels: 'grey' };
    expect(preprocessingOf('it', model({ channels: 1, normalization }), {})).toMatchObject(
      expected,
    );
  });
});
