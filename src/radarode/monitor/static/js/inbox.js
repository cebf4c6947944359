/** Hands the messages of one stream to its model; decides first whether the stream is still the same one. */

const BEGAN_ANEW_S = 0.5;

export class Inbox {
  /** @param {import("./card.js").Card} card */
  constructor(card) {
    this.card = card;
    this.held = null;
    this.run = card.model.facts.run;
    this.hold(this.run);
  }

  /**
   * Hold messages until the next state: behind a new connection the stream may have begun anew. Its run tells; without
   * one only its time does.
   * @param {string | null} [run] of the hello message
   */
  hold(run) {
    if (run !== this.run) {
      this.run = run;
      this.held = null;
      this.card.restart();
    }
    this.held ??= [];
  }

  /** @param {import("./protocol.js").Block} block */
  takeBlock(block) {
    if (this.held) this.held.push(() => this.card.model.takeBlock(block, performance.now()));
    else this.card.model.takeBlock(block, performance.now());
  }

  /** @param {object} message JSON with `stream` */
  take(message) {
    const { card } = this;
    if (message.type === "restart") {
      this.held = null;
      card.restart();
    } else if (message.type === "state") {
      this.#release(message.stream_s);
      card.model.takeState(message, performance.now());
      card.readings.show(performance.now());
    } else if (this.held) {
      this.held.push(() => this.#apply(message));
    } else {
      this.#apply(message);
    }
  }

  #apply(message) {
    if (message.type === "beats") this.card.model.takeBeats(message);
    if (message.type === "event") this.card.model.takeEvent(message);
  }

  #release(streamS) {
    if (!this.held) return;
    const { held } = this;
    this.held = null;
    const knownS = this.card.model.rings.ecg?.endS ?? -Infinity;
    if (streamS + BEGAN_ANEW_S < knownS) this.card.restart();
    for (const action of held) action();
  }
}
