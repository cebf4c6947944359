/** Colours of the theme for canvases, and the colour map of the spectrogram. */

const NAMES = [
  "ink", "muted", "line", "panel", "ecg", "paper", "grid-1", "grid-5", "motion", "motion-paper", "motion-grid", "r-mark",
  "poor", "gap", "event", "high", "medium",
];

/**
 * Resolve the theme's colours; `light-dark()` is resolved by an element's computed style only.
 * @returns {Record<string, string>}
 */
export function themeColours() {
  const probe = document.createElement("i");
  probe.className = "hidden";
  document.body.append(probe);
  const colours = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

/** @returns {boolean} whether the page is dark now */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/**
 * OKLCH to sRGB bytes (Ottosson 2020).
 * @param {number} lightness 0 to 1 @param {number} chroma @param {number} hueDeg
 * @returns {[number, number, number]}
 */
export function oklch(lightness, chroma, hueDeg) {
  const hue = (hueDeg * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const clipped = Math.min(1, Math.max(0, value));
    const encoded = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded);
  });
}

/**
 * A map of 256 colours whose perceived lightness rises (dark) or falls (light) evenly from nothing to strong.
 * @param {boolean} dark
 * @returns {Uint8ClampedArray} 256 x RGBA
 */
export function colourMap(dark) {
  const map = new Uint8ClampedArray(256 * 4);
  for (let k = 0; k < 256; k += 1) {
    const u = k / 255;
    const lightness = dark ? 0.13 + 0.8 * u : 0.985 - 0.66 * u;
    const chroma = 0.004 + 0.165 * Math.sin(Math.PI * u * 0.92) ** (dark ? 0.9 : 1.2);
    const hue = dark ? 285 + 170 * u : 225 + 75 * u;
    map.set([...oklch(lightness, chroma, hue), 255], 4 * k);
  }
  return map;
}
