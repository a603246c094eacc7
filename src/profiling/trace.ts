/** Profiles for tools that draw them. */
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import type { DispatchProfile, LayerProfile, Profile } from './profile.ts';

/**
 * A profile in the trace event format, which Perfetto and chrome://tracing open: one run, the layers one after the
 * other, and below a layer its dispatches, where it has several.
 *
 * @param session - That which was profiled.
 * @param profile - What `profile` gave.
 * @returns To be written as JSON.
 * @throws TilewiseError for what is no profile.
 *
 * @example
 * const text = JSON.stringify(traceOf(session, await profile(session, pixels)));
 */
export function traceOf(session: Session, profile: Profile): object {
  checkKinds('traceOf', { session, profile });
  const { device, plan } = session;
  const { layers, dispatches } = profile;
  let ts = 0;
  const traceEvents = layers.flatMap((layer) => {
    const begun = ts;
    const parts = dispatches.filter((dispatch) => dispatch.layer === layer.layer);
    const inner = parts.map((part) => {
      const drawn = event(part.part ?? part.layer, part, ts);
      ts += drawn.dur;
      return drawn;
    });
    return [event(layer.layer, layer, begun), ...(parts.length > 1 ? inner : [])];
  });
  return { traceEvents, otherData: { model: plan.graph.name, adapter: device.adapter.name } };
}

function event(name: string, { ms, ...args }: DispatchProfile | LayerProfile, ts: number) {
  return { name, cat: args.kernel, ph: 'X', pid: 1, tid: 1, ts, dur: 1000 * ms, args };
}
