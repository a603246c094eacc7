/** One round of a soak test: sessions on one device, which several callers use at once, and which is lost at random. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  createSession,
  type Device,
  type Graph,
  profile,
  type Session,
  syntheticTensor,
  syntheticWeights,
  timePass,
  tune,
  verify,
} from '../../src/index.ts';
import { reshape, shapesOf } from '../../src/runtime/reshape.ts';
import { expectOutputs, referenceOutputs } from '../fixtures/compare_graphs.ts';
import { Random } from '../fixtures/random.ts';
import { randomGraph } from '../fixtures/random_graph.ts';
import type { Tally } from './tally.ts';

/** Longer than anything here takes on a busy machine. */
const HANGS_MS = 15 * 60_000;
const MOST_BATCH = 3;
/** Different data for callers at the same time, so that mixing them up shows. */
const VARIANTS = 3;

/** So many, which come again and again: drivers keep what they compiled, so that new kernels take new memory. */
const GRAPHS = 64;

const weights = syntheticWeights([]);

/** The inputs of a run, and what is right for them. */
interface Case {
  readonly graph: Graph;
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly expected: ReadonlyMap<string, Float64Array>;
}

/** A session under test, and all that may become of what is called of it. */
class Subject {
  readonly graph: Graph;
  readonly #cases = new Map<string, Case>();
  session: Session | undefined;
  readonly disposed = new WeakSet<Session>();
  /** Resizes that were begun, and those that are done. */
  resizes = { begun: 0, done: 0 };

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** What can be used. */
  get usable(): Session | undefined {
    return this.session && !this.disposed.has(this.session) ? this.session : undefined;
  }

  caseOf(batch: number, variant: number): Case {
    const key = `${batch} ${variant}`;
    const known = this.#cases.get(key);
    if (known) return known;
    const graph = reshape(this.graph, shapesOf(this.graph, { batch }));
    const inputs = Object.fromEntries(
      graph.inputs.map(({ name, desc }) => [
        name,
        syntheticTensor(`${name} ${variant}`, desc.shape),
      ]),
    );
    const made = { graph, inputs, expected: referenceOutputs(graph, inputs) };
    this.#cases.set(key, made);
    return made;
  }
}

/** What all callers of a round share. */
interface Round {
  readonly device: Device;
  readonly tally: Tally;
  /** How often the device was lost. */
  losses: number;
}

/** Throws an error about whatever is not right. All sessions are disposed of afterwards. */
export async function soakRound(device: Device, seed: number, tally: Tally): Promise<void> {
  const random = new Random(seed);
  const round: Round = { device, tally, losses: 0 };
  const subjects = Array.from({ length: random.int(1, 2) }, () => {
    const own = new Random(random.int(1, GRAPHS));
    return new Subject(randomGraph(own, own.int(2, 8)));
  });
  const callers = subjects.flatMap((subject) =>
    Array.from({ length: random.int(1, 3) }, () => {
      const own = new Random(random.int(0, 2 ** 31));
      return new Caller(round, subject, own).call(own.int(3, 10));
    }),
  );
  try {
    await Promise.all(callers);
  } finally {
    await Promise.allSettled(callers);
    for (const { session } of subjects) session?.dispose();
    tally.add('rounds');
  }
}

/** Calls one method after the other of a subject, while others do the same. */
class Caller {
  readonly #round: Round;
  readonly #subject: Subject;
  readonly #random: Random;

  constructor(round: Round, subject: Subject, random: Random) {
    this.#round = round;
    this.#subject = subject;
    this.#random = random;
  }

  async call(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      if (this.#random.chance(0.06)) await this.#lose();
      const session = await this.#session();
      if (session) await this.#step(session);
    }
  }

  /** At once, or in the middle of what is next. */
  async #lose(): Promise<void> {
    const lose = (): void => {
      this.#round.losses++;
      this.#round.tally.add('losses of the device');
      this.#round.device.gpu.destroy();
    };
    if (this.#random.chance(0.5)) lose();
    else setTimeout(lose, this.#random.int(0, 100));
  }

  /** The session of the subject, which is created where there is none; nothing where that was ended. */
  async #session(): Promise<Session | undefined> {
    const subject = this.#subject;
    if (subject.usable) return subject.usable;
    // Of many submits, between which a run can be stopped, or of one.
    const cut = this.#random.chance(0.5) && { submitBudgetMs: 0.1 };
    const created = await this.#try('sessions created', (signal) =>
      createSession(this.#round.device, subject.graph, { weights, signal, ...cut }),
    );
    // Another caller may have been faster.
    if (subject.usable) created?.dispose();
    else if (created) subject.session = created;
    return subject.usable;
  }

  async #step(session: Session): Promise<void> {
    // Another caller may have disposed of it just now.
    if (session !== this.#subject.usable) return;
    const random = this.#random;
    const what = random.next();
    if (what < 0.6) return this.#run(session);
    if (what < 0.72) return this.#resize(session);
    if (what < 0.82) {
      const repeats = random.int(1, 3);
      const ms = await this.#try('passes timed', () => timePass(session, repeats), session);
      if (ms !== undefined && !(ms >= 0)) throw new Error(`a pass took ${ms} ms`);
      return;
    }
    if (what < 0.86) return this.#verify();
    if (what < 0.88) {
      await this.#try('graphs tuned', (signal) =>
        tune(this.#round.device, this.#subject.graph, { candidates: 2, signal }),
      );
      return;
    }
    if (what < 0.89) {
      const { inputs } = this.#subject.caseOf(session.inputs[0]?.shape[0] ?? 1, 1);
      const work = (signal: AbortSignal) => profile(session, inputs, { runs: 1, signal });
      await this.#try('profiles', work, session);
      return;
    }
    if (what < 0.94) {
      this.#round.tally.add('sessions disposed of');
      this.#subject.disposed.add(session);
      session.dispose();
      return;
    }
    await pause(random.int(0, 50));
  }

  async #run(session: Session): Promise<void> {
    const batch = session.inputs[0]?.shape[0] ?? 1;
    const { graph, inputs, expected } = this.#subject.caseOf(batch, this.#random.int(1, VARIANTS));
    const names = [...expected.keys()];
    const outputs = this.#random.chance(0.3) ? [this.#random.pick(names)] : names;
    const run = (signal: AbortSignal) => session.run(inputs, { outputs, signal });
    const result = await this.#try('runs', run, session);
    if (!result) return;
    const wanted = new Map([...expected].filter(([name]) => outputs.includes(name)));
    expectOutputs(graph, wanted, result);
    this.#round.tally.add(
      'values compared',
      [...wanted.values()].reduce((sum, { length }) => sum + length, 0),
    );
  }

  async #resize(session: Session): Promise<void> {
    const batch = this.#random.int(1, MOST_BATCH);
    const { resizes } = this.#subject;
    resizes.begun++;
    try {
      await this.#try('resizes', (signal) => session.resize({ batch }, { signal }), session);
    } finally {
      resizes.done++;
    }
  }

  async #verify(): Promise<void> {
    const { graph } = this.#subject;
    const { inputs } = this.#subject.caseOf(graph.inputs[0]?.desc.shape[0] ?? 1, 1);
    const checks = await this.#try('graphs verified', (signal) =>
      verify(this.#round.device, graph, inputs, { weights, signal }),
    );
    const wrong = checks?.filter(({ ok }) => !ok) ?? [];
    if (wrong.length > 0) throw new Error(`verify finds wrong layers: ${JSON.stringify(wrong)}`);
  }

  /**
   * The result; nothing where it was refused for a reason that is there: a loss, a disposal, another shape, an abort,
   * which comes sometimes.
   */
  async #try<T>(
    what: string,
    work: (signal: AbortSignal) => Promise<T>,
    session?: Session,
  ): Promise<T | undefined> {
    const { begun, done } = this.#subject.resizes;
    const abort = new AbortController();
    const { signal } = abort;
    if (this.#random.chance(0.2)) setTimeout(() => abort.abort(), this.#random.int(0, 100));
    const timer = new AbortController();
    const hang = pause(HANGS_MS, undefined, { signal: timer.signal, ref: false }).then(() => {
      throw new Error(`${what}: one of them hangs`);
    });
    try {
      const result = await Promise.race([work(signal), hang]);
      this.#round.tally.add(what);
      return result;
    } catch (error) {
      if (signal.aborted && error === signal.reason) {
        this.#round.tally.add(`aborted: ${what}`);
        return undefined;
      }
      const { resizes } = this.#subject;
      const resized = begun > done || resizes.begun > begun;
      const reason = this.#reasonFor(error, resized, session);
      if (!reason) throw error;
      this.#round.tally.add(`refused: ${reason}`);
      return undefined;
    } finally {
      hang.catch(() => {});
      timer.abort();
    }
  }

  #reasonFor(error: unknown, resized: boolean, session?: Session): string | undefined {
    const { name, message } = error as Error;
    if (name === 'DeviceLostError' && this.#round.losses > 0) return 'the device was lost';
    const disposed = `session "${this.#subject.graph.name}" was disposed; create a new one`;
    if (
      name === 'TilewiseError' &&
      message === disposed &&
      session &&
      this.#subject.disposed.has(session)
    ) {
      return 'the session was disposed of';
    }
    return name === 'ShapeError' && resized ? 'it was resized meanwhile' : undefined;
  }
}
