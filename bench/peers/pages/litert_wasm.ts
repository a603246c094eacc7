import { litert } from '../contenders/litert.ts';
import { serve } from './harness.ts';

serve((workload) => litert(workload, 'wasm'));
