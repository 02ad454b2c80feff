/** One run of a node's process: a call that the test names ends it, as SIGKILL does, before or after the call works. */
export class Life {
  private ended = false;
  private readonly onEnd: () => void;
  private trap: { when: 'before' | 'after'; call: string; matches: (args: unknown[]) => boolean } | null = null;

  constructor(onEnd: () => void) {
    this.onEnd = onEnd;
  }

  get over(): boolean {
    return this.ended;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
  }

  /** `call` is `part.method`, such as `chain.submit`; only the first call that matches counts. */
  dieAt(when: 'before' | 'after', call: string, matches: (args: unknown[]) => boolean = () => true): void {
    this.trap = { when, call, matches };
  }

  /** The part as this run sees it. Once the run is over nothing it calls works or answers any more. */
  bind<T extends object>(name: string, part: T): T {
    return new Proxy(part, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => this.call(`${name}.${String(key)}`, args, () => value.apply(target, args));
      },
    });
  }

  private call(name: string, args: unknown[], work: () => unknown): unknown {
    const trapped = this.trap?.call === name && this.trap.matches(args) ? this.trap.when : null;
    if (trapped !== null) this.trap = null;
    if (trapped === 'before') this.end();
    if (this.ended) return new Promise(() => undefined);
    const answer = work();
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (value) => {
        if (trapped === 'after') this.end();
        return this.ended ? new Promise(() => undefined) : value;
      },
      (error) => {
        if (this.ended) return new Promise(() => undefined);
        throw error;
      },
    );
  }
}
