/**
 * A reduction over the invocations of a workgroup: a tree in workgroup memory, always in the same order, so that the
 * same input gives the same bits.
 *
 *     let total = add_up(thread, sum);       what `combine` makes of all invocations' values, in all of them
 *
 * All invocations must get there. The module has a constant THREADS, a power of two, before it.
 */
export function reductionText(name: string, combine: (a: string, b: string) => string): string {
  return `
var<workgroup> ${name}_partial: array<f32, THREADS>;

fn ${name}(thread: u32, value: f32) -> f32 {
  ${name}_partial[thread] = value;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      ${name}_partial[thread] = ${combine(`${name}_partial[thread]`, `${name}_partial[thread + half]`)};
    }
  }
  workgroupBarrier();
  let total = ${name}_partial[0];
  workgroupBarrier();
  return total;
}`;
}
