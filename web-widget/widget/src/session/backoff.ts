/** How long to wait before the next try: full jitter below a bound that doubles, so that many visitors come back spread out. */

const LEAST = 500;
const MOST = 30_000;

export class Backoff {
  #tries = 0;

  /** Milliseconds. `from` skips the first, short bounds where the server asked for patience. */
  next(random: () => number, from = 0): number {
    this.#tries = Math.max(this.#tries, from) + 1;
    return Math.max(LEAST, Math.round(random() * Math.min(MOST, LEAST * 2 ** this.#tries)));
  }

  reset(): void {
    this.#tries = 0;
  }
}

/** At most `burst` at once, then one each `interval` milliseconds: what the gateway lets through, seen from this side. */
export class Pace {
  readonly #burst: number;
  readonly #interval: number;
  #free: number;
  #since = 0;

  constructor(burst: number, interval: number) {
    this.#burst = burst;
    this.#interval = interval;
    this.#free = burst;
  }

  /** 0 and one less is free; else the milliseconds until one is. */
  take(now: number): number {
    const gained = Math.floor((now - this.#since) / this.#interval);
    if (gained > 0) {
      this.#free = Math.min(this.#burst, this.#free + gained);
      this.#since = this.#free === this.#burst ? now : this.#since + gained * this.#interval;
    }
    if (this.#free > 0) {
      this.#free -= 1;
      return 0;
    }
    return this.#since + this.#interval - now;
  }
}
