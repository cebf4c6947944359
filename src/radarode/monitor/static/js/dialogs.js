/** The dialogs: mark, export, limits, calibration, help, login. */

import { authorisation } from "./connection.js";
import { clock } from "./format.js";
import { CSS_MM_PX } from "./settings.js";

const BAR_MM = 100;
const find = (id) => document.querySelector(`#${id}`);

/** Open a dialog. @param {string} name @returns {Promise<string>} the value of the button that closed it */
export function ask(name) {
  const dialog = find(`${name}-dialog`);
  if (dialog.open) return Promise.resolve("cancel");
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/** @returns {boolean} whether a dialog is open, so that keys belong to it */
export function dialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}

/**
 * Ask for the text of a mark.
 * @param {string} name of the radar @param {number} atS stream time @param {boolean} now
 * @returns {Promise<string | null>}
 */
export async function askMark(name, atS, now) {
  find("mark-at").textContent = `${name}, at ${clock(atS)}${now ? " (now)" : " (right edge of the strip)"}`;
  find("mark-text").value = "";
  return (await ask("mark")) === "ok" ? find("mark-text").value.trim() || "mark" : null;
}

/**
 * Ask for alarm limits.
 * @param {string} name of the radar @param {{low_bpm: number, high_bpm: number, delay_s: number} | null} limits
 * @returns {Promise<{low_bpm: number, high_bpm: number, delay_s: number} | null>}
 */
export async function askLimits(name, limits) {
  const [low, high, delay] = ["limits-low", "limits-high", "limits-delay"].map(find);
  find("limits-name").textContent = name;
  find("limits-wrong").textContent = "";
  [low.value, high.value, delay.value] = [limits?.low_bpm ?? 40, limits?.high_bpm ?? 130, limits?.delay_s ?? 5];
  const form = find("limits-dialog").querySelector("form");
  form.onsubmit = (event) => {
    const wrong = event.submitter?.value === "ok" && Number(low.value) >= Number(high.value);
    find("limits-wrong").textContent = wrong ? "The low limit must be below the high one." : "";
    if (wrong) event.preventDefault();
  };
  if ((await ask("limits")) !== "ok") return null;
  return { low_bpm: Number(low.value), high_bpm: Number(high.value), delay_s: Number(delay.value) };
}

/**
 * Offer the files of the last minutes.
 * @param {{number: number, name: string}} stream @param {number} historyS @param {string | null} token
 * @param {(text: string) => void} onError
 */
export async function offerExport(stream, historyS, token, onError) {
  const minutes = find("export-minutes");
  const most = Math.max(1, Math.floor(historyS / 60));
  minutes.max = String(most);
  if (Number(minutes.value) > most) minutes.value = String(most);
  find("export-name").textContent = `${stream.name}; at most ${most} min`;
  const update = () => {
    const chosen = Math.min(most, Math.max(1, Number(minutes.value) || 1));
    for (const format of ["wfdb", "edf", "csv"]) {
      const link = find(`export-${format}`);
      link.href = `export?stream=${stream.number}&minutes=${chosen}&format=${format}`;
      link.onclick = (event) => token && download(event, link.href, token, onError);
    }
  };
  minutes.oninput = update;
  update();
  await ask("export");
}

/** Fetch a file that needs the token, which a plain link cannot send. */
async function download(event, address, token, onError) {
  event.preventDefault();
  try {
    const answer = await fetch(address, { headers: authorisation(token), cache: "no-store" });
    if (!answer.ok) throw new Error(`The monitor does not give the file (${answer.status}).`);
    const link = document.createElement("a");
    const named = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = named?.[1] ?? "radarode-export";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    onError(error instanceof TypeError ? "The monitor cannot be reached." : error.message);
  }
}

/** Calibrate the millimetres. @param {import("./settings.js").Settings} settings */
export async function calibrate(settings) {
  const [bar, handle, measured] = ["bar", "bar-handle", "bar-measured"].map(find);
  const show = () => {
    const mmPx = settings.get("mmPx");
    bar.style.width = `${BAR_MM * mmPx}px`;
    handle.setAttribute("aria-valuenow", (BAR_MM * mmPx).toFixed(0));
    handle.setAttribute("aria-valuetext", `${(BAR_MM * mmPx).toFixed(0)} pixels`);
    find("bar-facts").textContent = `${mmPx.toFixed(3)} px per mm (${(mmPx * 25.4).toFixed(0)} dpi)`;
  };
  const set = (mmPx) => {
    settings.set("mmPx", Math.min(15, Math.max(1, mmPx)));
    show();
  };
  measured.value = "";
  measured.onchange = () => {
    const valid = measured.reportValidity() && Number(measured.value) > 0;
    if (valid) set((BAR_MM * settings.get("mmPx")) / Number(measured.value));
    if (valid) measured.value = "";
  };
  handle.onpointerdown = (event) => handle.setPointerCapture(event.pointerId);
  handle.onpointermove = (event) => {
    if (handle.hasPointerCapture(event.pointerId)) set((event.clientX - bar.getBoundingClientRect().left) / BAR_MM);
  };
  handle.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (step) set(settings.get("mmPx") + step / BAR_MM);
    if (step) event.preventDefault();
  };
  find("bar-reset").onclick = () => set(CSS_MM_PX);
  show();
  await ask("calibrate");
}

/** Ask for the token. @param {boolean} wrong whether one was given @returns {Promise<string>} */
export async function askToken(wrong) {
  find("login-wrong").textContent = wrong ? "This token is not the right one." : "";
  find("login-token").value = "";
  for (;;) {
    if ((await ask("login")) === "ok" && find("login-token").value) return find("login-token").value.trim();
  }
}
