import { mergeConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** `npm run test:long`: property tests over many more cases than `npm test` has time for. */
export default mergeConfig(config, {
  test: { env: { TILEWISE_RANDOM_GRAPHS: '500' } },
});
