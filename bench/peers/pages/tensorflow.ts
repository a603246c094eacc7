import { tensorflow } from '../contenders/tensorflow.ts';
import { serve } from './harness.ts';

serve(tensorflow);
