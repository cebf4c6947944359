/** The last columns of one signal, found by their number since the stream began. */
export class Ring {
  /**
   * @param {number} rateHz columns per second
   * @param {number} rows values per column
   * @param {number} seconds how much is kept
   */
  constructor(rateHz, rows, seconds) {
    this.rateHz = rateHz;
    this.rows = rows;
    this.capacity = Math.ceil(rateHz * seconds);
    this.values = new Float32Array(this.capacity * rows);
    /** Number of the oldest column, and of the first that is not there yet. */
    this.start = 0;
    this.end = 0;
  }

  /** Stream time up to which columns are there; -Infinity while there is none. */
  get endS() {
    return this.end > this.start ? this.end / this.rateHz : -Infinity;
  }

  /** Stream time of the oldest column; Infinity while there is none. */
  get startS() {
    return this.end > this.start ? this.start / this.rateHz : Infinity;
  }

  /**
   * Take columns. Between them and what is there NaN is put: that is a gap. What lies too far back is left out.
   * @param {import("./protocol.js").Block} block
   */
  put(block) {
    const first = Math.round(block.firstS * this.rateHz);
    const last = first + block.columns;
    if (!block.columns) return;
    if (this.end === this.start || first > this.end + this.capacity) this.start = this.end = first;
    if (last <= this.end - this.capacity) return;
    if (first > this.end) this.#blank(this.end, first);
    if (last < this.start) this.#blank(last, this.start);
    const newEnd = Math.max(this.end, last);
    const oldest = newEnd - this.capacity;
    for (let column = Math.max(first, oldest); column < last; column += 1) {
      const to = (((column % this.capacity) + this.capacity) % this.capacity) * this.rows;
      for (let row = 0; row < this.rows; row += 1) {
        this.values[to + row] = block.values[row * block.columns + column - first];
      }
    }
    this.end = newEnd;
    this.start = Math.max(Math.min(this.start, first), oldest);
  }

  #blank(from, to) {
    for (let column = Math.max(from, to - this.capacity); column < to; column += 1) {
      const at = (((column % this.capacity) + this.capacity) % this.capacity) * this.rows;
      this.values.fill(NaN, at, at + this.rows);
    }
  }

  /** @param {number} column @returns {boolean} whether it is there (it may be a gap) */
  has(column) {
    return column >= this.start && column < this.end;
  }

  /** @param {number} column @param {number} [row] @returns {number} NaN in gaps and outside */
  at(column, row = 0) {
    if (!this.has(column)) return NaN;
    return this.values[(((column % this.capacity) + this.capacity) % this.capacity) * this.rows + row];
  }
}

/**
 * The three signals of a stream.
 */
export class Signals {
  /** @param {number} seconds how much is kept */
  constructor(seconds) {
    this.seconds = seconds;
    /** @type {Record<string, Ring | null>} */
    this.rings = { ecg: null, motion: null, spectrogram: null };
  }

  /** @param {import("./protocol.js").Block} block */
  put(block) {
    let ring = this.rings[block.kind];
    if (!ring || ring.rateHz !== block.rateHz || ring.rows !== block.rows) {
      ring = new Ring(block.rateHz, block.rows, this.seconds);
      this.rings[block.kind] = ring;
    }
    ring.put(block);
  }
}
