/**
 * How an invocation's part of the next tiles comes from buffers to workgroup memory:
 *
 * - `ahead`: while these tiles are multiplied, the next ones are on their way to registers.
 * - `together`: all of its loads are on their way, then they are stored.
 * - `in turn`: each load is stored before the next one, which takes the fewest registers.
 */
export type FetchOrder = 'ahead' | 'together' | 'in turn';
