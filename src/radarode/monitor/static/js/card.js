/** One radar on the page: its strips, numbers and trends. */

import { colourMap, isDark } from "./colours.js";
import { EcgPainter, MotionPainter } from "./ecg.js";
import { Inbox } from "./inbox.js";
import { firstBeat } from "./marks.js";
import { Past } from "./past.js";
import { Readings } from "./readings.js";
import { SpectrogramPainter } from "./spectrogram.js";
import { Strip } from "./strip.js";
import { Trend } from "./trend.js";

const FIT_MS = 1500;

export class Card {
  /**
   * @param {import("./model.js").Model} model
   * @param {{speed: number, gain: number, mmPx: number}} scale shared by all strips of the page
   * @param {Record<string, string>} colours
   * @param {{token: () => string | null, onError: (text: string) => void}} page
   */
  constructor(model, scale, colours, page) {
    this.model = model;
    this.scale = scale;
    this.page = page;
    this.element = document.querySelector("#card-template").content.firstElementChild.cloneNode(true);
    this.element.dataset.stream = model.facts.number;
    this.readings = new Readings(this.element, model, scale);
    this.pausedS = null;
    this.past = new Past(model.facts.number, page.token);
    this.fittedMs = 0;
    this.beatSeenS = -Infinity;
    this.#makeStrips(colours);
    this.trends = [
      new Trend(this.element.querySelector(".rate-trend"), "rate"),
      new Trend(this.element.querySelector(".interval-trend"), "interval"),
    ];
    this.inbox = new Inbox(this);
    this.dress(colours);
  }

  #makeStrips(colours) {
    const paper = (name) => this.element.querySelector(`.${name} .paper`);
    const freqs = this.model.facts.freqs_hz ?? [];
    this.painters = {
      ecg: new EcgPainter(this.model, colours, this.scale),
      motion: new MotionPainter(this.model, colours),
      spectrogram: new SpectrogramPainter(this.model, colours, freqs, colourMap(isDark())),
    };
    this.strips = Object.entries(this.painters).map(([name, painter]) => new Strip(paper(name), painter, this.scale));
  }

  /** Take the colours of the theme. @param {Record<string, string>} colours */
  dress(colours) {
    for (const painter of Object.values(this.painters)) painter.colours = colours;
    this.painters.spectrogram.map = colourMap(isDark());
    for (const trend of this.trends) trend.dress(colours);
    this.refresh();
    this.tick(performance.now());
  }

  /** Draw everything anew at the next frame. */
  refresh() {
    for (const strip of this.strips) strip.resize();
  }

  /** The stream began anew. */
  restart() {
    this.model.reset();
    this.past = new Past(this.model.facts.number, this.page.token);
    this.beatSeenS = -Infinity;
    if (this.pausedS !== null) this.pausedS = 0;
    this.refresh();
  }

  /** Time on the strip's width. */
  get periodS() {
    return this.strips[0].periodS || 10;
  }

  /** @param {boolean} paused */
  setPaused(paused) {
    this.pausedS = paused ? Math.max(0, this.model.playout.headS) : null;
    if (!paused) {
      this.#use(this.model);
      this.refresh();
    }
    this.readings.setPaused(paused);
  }

  #use(source) {
    for (const painter of Object.values(this.painters)) painter.source = source;
  }

  /**
   * Draw one frame.
   * @param {number} nowMs @param {number} backS how far back is looked while paused
   */
  frame(nowMs, backS) {
    const { model } = this;
    const headS = model.playout.advance(nowMs);
    if (this.pausedS !== null) {
      this.#showPast(Math.max(0, this.pausedS - backS));
      return;
    }
    if (nowMs - this.fittedMs > FIT_MS) this.#fit(nowMs, headS);
    for (const strip of this.strips) strip.sweep(headS, model.changedFromS);
    model.changedFromS = Infinity;
    this.#beat(headS);
  }

  #fit(nowMs, headS) {
    this.fittedMs = nowMs;
    for (const [k, name] of [[1, "motion"], [2, "spectrogram"]]) {
      if (this.painters[name].fit(headS)) this.strips[k].refresh();
    }
  }

  #beat(headS) {
    const { beats } = this.model;
    const at = firstBeat(beats, this.beatSeenS + 1e-6);
    if (at < beats.length && beats[at].rS <= headS) {
      if (headS - beats[at].rS < 0.3) this.readings.flash();
    }
    this.beatSeenS = headS;
  }

  #showPast(endS) {
    const fromS = Math.max(0, endS - this.periodS);
    const { model, past } = this;
    const startS = model.rings.ecg?.startS ?? Infinity;
    if (fromS >= startS) {
      if (this.painters.ecg.source !== model) {
        this.#use(model);
        this.refresh();
      }
    } else if (past.holds(fromS, endS)) {
      if (this.painters.ecg.source.rings !== past.rings) {
        this.#use({
          rings: past.rings,
          beats: past.beats.length ? past.beats : model.beats,
          get events() {
            return past.eventsWith(model.events);
          },
        });
        this.refresh();
      }
    } else {
      past.fetch(fromS, endS).catch((error) => this.page.onError(error.message));
    }
    if (!this.painters.motion.half) this.#fit(performance.now(), endS);
    if (model.changedFromS < endS) {
      this.refresh();
      model.changedFromS = Infinity;
    }
    for (const strip of this.strips) strip.show(endS);
  }

  /** Renew numbers and trends; about once a second. @param {number} nowMs */
  tick(nowMs) {
    this.readings.show(nowMs);
    const endS = this.pausedS ?? this.model.playout.headS;
    for (const trend of this.trends) trend.show(this.model, endS);
  }
}
