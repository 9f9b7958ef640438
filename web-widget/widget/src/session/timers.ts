/** The times at which a machine wants to be woken, by name: one table, so that "what comes next" is its minimum. */

export class Timers<Name extends string> {
  readonly #due = new Map<Name, number>();

  set(name: Name, at: number): void {
    this.#due.set(name, at);
  }

  /** Sets it unless it is set already. */
  ensure(name: Name, at: number): void {
    if (!this.#due.has(name)) this.#due.set(name, at);
  }

  /** All of them where none is named. */
  clear(name?: Name): void {
    if (name === undefined) this.#due.clear();
    else this.#due.delete(name);
  }

  get next(): number | undefined {
    return this.#due.size === 0 ? undefined : Math.min(...this.#due.values());
  }

  /** Takes out those that are due, the earliest first. */
  take(now: number): Name[] {
    const due = [...this.#due].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1]);
    return due.map(([name]) => {
      this.#due.delete(name);
      return name;
    });
  }
}
