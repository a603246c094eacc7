import { tilewise } from '../contenders/tilewise.ts';
import { serve } from './harness.ts';

serve((workload) => tilewise(workload, async () => ({ gpu: navigator.gpu })));
