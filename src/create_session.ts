import type { Device } from './runtime/gpu/device.ts';
import type { Graph } from './runtime/graph.ts';
import { Session, type SessionOptions } from './runtime/session.ts';

export type CreateSessionOptions = SessionOptions;

/** A session for a graph on a device: see `Session.create`. */
export function createSession(
  device: Device,
  graph: Graph,
  options: CreateSessionOptions,
): Promise<Session> {
  return Session.create(device, graph, options);
}
