/** Tries mutants by running test files, each in a process of its own. */
import { resolve } from 'node:path';
import {
  createVitest,
  type TestCase,
  type TestModule,
  type TestSpecification,
  type Vitest,
} from 'vitest/node';
import { instrument } from './instrument.ts';
import type { Mutant } from './mutants.ts';
import type { Outcome, Trial } from './runner.ts';

/** Most mutants are killed by tests that take less, and need not be tried in others; in milliseconds. */
const QUICK = 50;
const RUNNER = resolve(import.meta.dirname, 'runner.ts');

export interface Options {
  readonly root: string;
  /** Test files, or folders of them. */
  readonly tests: readonly string[];
  /** Tests that take longer try no mutants; in milliseconds. */
  readonly slowest: number;
  /** Leaves out those that are reached only when files are loaded: each of them takes runs of whole files. */
  readonly ignoreStatic: boolean;
}

export interface Results {
  /** Mutants in code that runs only when files are loaded. */
  readonly static: ReadonlySet<number>;
  readonly killed: ReadonlySet<number>;
  /** Mutants in code that a test runs, or that runs when its file is loaded. */
  readonly reached: ReadonlySet<number>;
  /** Tests that did not pass again after mutants were tried with them. */
  readonly unrepeatable: readonly string[];
}

/** Tries all `mutants` of `sources`, which are by path from `options.root`. */
export async function tryMutants(
  sources: ReadonlyMap<string, string>,
  mutants: readonly Mutant[],
  options: Options,
  log: (line: string) => void,
): Promise<Results> {
  const vitest = await vitestWith(sources, mutants, options.root);
  try {
    const trials = new Trials(vitest, mutants, options.slowest, log);
    const specifications = await vitest.globTestSpecifications([...options.tests]);
    for (const specification of specifications) await trials.inQuickTests(specification);
    for (const specification of specifications) await trials.inSlowTests(specification);
    if (!options.ignoreStatic) await trials.planted();
    return trials;
  } finally {
    await vitest.close();
  }
}

/** With mutants in the files it loads; the files themselves stay as they are. */
function vitestWith(
  sources: ReadonlyMap<string, string>,
  mutants: readonly Mutant[],
  root: string,
): Promise<Vitest> {
  const instrumented = new Map(
    [...sources].map(([file, source]) => [
      resolve(root, file),
      instrument(
        source,
        mutants.filter((mutant) => mutant.file === file),
      ),
    ]),
  );
  return createVitest(
    'test',
    {
      root,
      watch: false,
      runner: RUNNER,
      reporters: [{}],
      maxWorkers: 1,
      silent: true,
      testTimeout: 0,
      dangerouslyIgnoreUnhandledErrors: true,
    },
    {
      plugins: [
        {
          name: 'mutants',
          enforce: 'pre',
          transform: (_code: string, id: string) => instrumented.get(id),
        },
      ],
    },
  );
}

type Tests = Pick<Trial, 'slowest' | 'left'>;

class Trials implements Results {
  readonly killed = new Set<number>();
  readonly unrepeatable: string[] = [];
  /** Those that a test reaches. */
  readonly #tried = new Set<number>();
  /** Test files that reach a mutant when they are loaded. */
  readonly #loadedBy = new Map<number, Set<TestSpecification>>();
  /** What each test takes as it is, by its id. */
  readonly #ms = new Map<TestSpecification, Map<string, number>>();
  readonly #vitest: Vitest;
  readonly #mutants: readonly Mutant[];
  readonly #slowest: number;
  readonly #log: (line: string) => void;

  constructor(
    vitest: Vitest,
    mutants: readonly Mutant[],
    slowest: number,
    log: (line: string) => void,
  ) {
    this.#vitest = vitest;
    this.#mutants = mutants;
    this.#slowest = slowest;
    this.#log = log;
  }

  async inQuickTests(specification: TestSpecification): Promise<void> {
    await this.#inTests(specification, { slowest: QUICK, left: [] });
  }

  async inSlowTests(specification: TestSpecification): Promise<void> {
    const tests = this.#ms.get(specification) ?? new Map<string, number>();
    const slow = ([, ms]: readonly [string, number]) => ms > QUICK && ms <= this.#slowest;
    const left = [...tests].filter((test) => !slow(test)).map(([id]) => id);
    if (left.length === tests.size) return;
    await this.#inTests(specification, { slowest: this.#slowest, left });
  }

  /** Those that no test reaches but files that are loaded, one after another, by quick tests. */
  async planted(): Promise<void> {
    const onlyLoaded = this.static;
    const rest = this.#living.filter((id) => onlyLoaded.has(id));
    this.#log(`${rest.length} of them are reached only when files are loaded`);
    for (const [at, id] of rest.entries()) {
      for (const specification of this.#loadedBy.get(id) ?? []) {
        const module = await this.#run(specification, {
          planted: id,
          ...this.#quickTests(specification),
        });
        if (module.ok() && module.children.size > 0) continue;
        this.killed.add(id);
        break;
      }
      if (at % 10 === 9)
        this.#log(`${at + 1} of ${rest.length} planted; ${this.#living.length} live`);
    }
  }

  async #inTests(specification: TestSpecification, which: Tests): Promise<void> {
    const module = await this.#run(specification, { ...which, planted: null });
    for (const test of module.children.allTests()) {
      const trial = test.meta().trial;
      if (trial && test.ok()) this.#note(specification, test, trial);
      if (test.ok()) continue;
      this.unrepeatable.push(`${module.relativeModuleId}: ${test.fullName}`);
      this.#took(specification, test, Number.POSITIVE_INFINITY);
    }
    this.#log(`${module.relativeModuleId}: ${this.#living.length} of ${this.#mutants.length} live`);
  }

  #note(specification: TestSpecification, test: TestCase, trial: Outcome): void {
    for (const id of trial.reached) this.#tried.add(id);
    for (const id of trial.loaded) this.#isLoadedBy(id, specification);
    for (const id of trial.killed) this.killed.add(id);
    this.#took(specification, test, trial.ms);
  }

  #took(specification: TestSpecification, test: TestCase, ms: number): void {
    const tests = this.#ms.get(specification) ?? new Map<string, number>();
    this.#ms.set(specification, tests.set(test.id, ms));
  }

  get static(): ReadonlySet<number> {
    return new Set([...this.#loadedBy.keys()].filter((id) => !this.#tried.has(id)));
  }

  get reached(): ReadonlySet<number> {
    return new Set([...this.#tried, ...this.#loadedBy.keys()]);
  }

  get #living(): readonly number[] {
    return this.#mutants.map(({ id }) => id).filter((id) => !this.killed.has(id));
  }

  #quickTests(specification: TestSpecification): Tests {
    const tests = [...(this.#ms.get(specification) ?? [])];
    const left = tests.filter(([, ms]) => ms > QUICK).map(([id]) => id);
    return { slowest: QUICK, left };
  }

  #isLoadedBy(id: number, specification: TestSpecification): void {
    this.#loadedBy.set(id, (this.#loadedBy.get(id) ?? new Set()).add(specification));
  }

  async #run(specification: TestSpecification, trial: Omit<Trial, 'living'>): Promise<TestModule> {
    this.#vitest.provide('trial', { ...trial, living: this.#living });
    const { testModules } = await this.#vitest.runTestSpecifications([specification]);
    const module = testModules.find(({ moduleId }) => moduleId === specification.moduleId);
    if (!module) throw new Error(`${specification.moduleId} did not run`);
    return module;
  }
}
