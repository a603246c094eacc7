/** Sessions with the operators of this library, which the runtime is handed. */
import { builtins } from './builtins.ts';
import type { Device } from './runtime/gpu/device.ts';
import type { Graph } from './runtime/graph.ts';
import { Session, type SessionOptions } from './runtime/session.ts';

export type CreateSessionOptions = Omit<SessionOptions, 'builtins'>;

/** A session for a graph on a device: see `Session.create`. */
export function createSession(
  device: Device,
  graph: Graph,
  options: CreateSessionOptions,
): Promise<Session> {
  return Session.create(device, graph, { ...options, builtins });
}
