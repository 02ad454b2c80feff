export type BatchOperation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

interface Waiting {
  operations: BatchOperation[];
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/**
 * Applies writes in the order they were asked for. LevelDB alone does not promise that: its writes run on a thread
 * pool. Writes that arrive while one is being synced are merged into the next batch, so that many small writes share
 * one sync of the disk; each stays atomic.
 */
export class WriteQueue {
  private readonly apply: (batch: BatchOperation[]) => Promise<void>;
  private waiting: Waiting[] = [];
  private running: Promise<void> | null = null;

  constructor(apply: (batch: BatchOperation[]) => Promise<void>) {
    this.apply = apply;
  }

  /** Resolves once the write is on the disk. A key that is both put and deleted is put. */
  add(puts: Record<string, string>, deletes: string[]): Promise<void> {
    const operations: BatchOperation[] = [
      ...deletes.map((key) => ({ type: 'del' as const, key })),
      ...Object.entries(puts).map(([key, value]) => ({ type: 'put' as const, key, value })),
    ];
    return new Promise((resolve, reject) => {
      this.waiting.push({ operations, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Resolves when every write asked for so far has ended, well or badly. */
  async drained(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        await this.apply(group.flatMap(({ operations }) => operations));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.running = null;
  }
}
