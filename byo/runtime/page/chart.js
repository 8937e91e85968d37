// A line that grows to the right: one value of the last two minutes for each look.

import { drawing, element, say } from "./elements.js";

export const LOOKS = 120;
const HEIGHT = 100;

export class Chart {
  // what: in words; show: a value as text.
  constructor(what, name, show) {
    this.what = what;
    this.show = show;
    this.values = [];
    this.path = drawing("path");
    this.picture = drawing(
      "svg",
      { viewBox: `0 0 ${LOOKS - 1} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      this.path,
    );
    this.caption = element("figcaption");
    this.figure = element("figure", { class: name }, this.caption, this.picture);
  }

  // A value, or null where there was none.
  add(value) {
    this.values.push(value);
    if (this.values.length > LOOKS) this.values.shift();
    const known = this.values.filter((each) => each !== null);
    const most = Math.max(...known, 0);
    const last = known.length ? this.show(known[known.length - 1]) : "none yet";
    say(this.caption, `${this.what}: ${last}${known.length ? `, at most ${this.show(most)}` : ""}`);
    this.picture.setAttribute("aria-label", this.caption.textContent);
    this.path.setAttribute("d", line(this.values, most));
  }
}

function line(values, most) {
  const first = LOOKS - values.length;
  let drawn = "";
  let isOpen = false;
  values.forEach((value, at) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    const y = HEIGHT - 4 - (most ? (value / most) * (HEIGHT - 8) : 0);
    drawn += `${isOpen ? "L" : "M"}${first + at} ${y.toFixed(1)} `;
    isOpen = true;
  });
  return drawn;
}
