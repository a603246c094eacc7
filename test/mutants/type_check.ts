/** Mutants that the compiler refuses need no test. */
import { resolve } from 'node:path';
import { API } from 'typescript/unstable/sync';
import { type Mutant, mutate } from './mutants.ts';

/** Tells mutants that the compiler accepts from others, by the types of the file they are in. */
export class TypeCheck {
  readonly #root: string;
  readonly #changed = new Map<string, string>();
  readonly #api: API;

  constructor(root: string) {
    this.#root = root;
    this.#api = new API({ cwd: root, fs: { readFile: (path) => this.#changed.get(path) } });
    this.#api.updateSnapshot({ openProjects: [this.#config] });
  }

  get #config(): string {
    return resolve(this.#root, 'tsconfig.json');
  }

  accepts(mutant: Mutant, source: string): boolean {
    const path = resolve(this.#root, mutant.file);
    this.#changed.set(path, mutate(source, mutant));
    const faults = this.#faults(path);
    this.#changed.delete(path);
    // The next mutant may be in another file, which reads this one.
    this.#api.updateSnapshot({ fileChanges: { changed: [path] } }).dispose();
    return faults === 0;
  }

  #faults(path: string): number {
    using snapshot = this.#api.updateSnapshot({ fileChanges: { changed: [path] } });
    const program = snapshot.getProject(this.#config)?.program;
    if (!program) throw new Error(`${this.#config} has no program`);
    return (
      program.getSyntacticDiagnostics(path).length + program.getSemanticDiagnostics(path).length
    );
  }

  [Symbol.dispose](): void {
    this.#api.close();
  }
}
