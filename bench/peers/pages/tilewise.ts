import { findModel, resnet50 } from '../../../src/index.ts';
import { named, tilewise } from '../contenders/tilewise.ts';
import { serve } from './harness.ts';

/** The model's name, which is known when the page is bundled: it then has this model only, as a page would. */
declare const MODEL: string;

const model = MODEL === 'resnet50' ? resnet50 : findModel(MODEL);
serve((workload) => tilewise(workload, named(model), async () => ({ gpu: navigator.gpu })));
