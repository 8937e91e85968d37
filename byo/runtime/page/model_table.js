// The models of an endpoint with many, the one that was used last first.

import { element, say } from "./elements.js";
import { bytes, count, duration } from "./figures.js";

const MOST_ROWS = 100;
const COLUMNS = ["Model", "State", "Memory", "Hits", "Loads", "Evictions", "Median", "Longest", "Last used"];

export class ModelTable {
  constructor() {
    this.caption = element("caption");
    this.body = element("tbody");
    this.rows = new Map();
    const head = COLUMNS.map((name) => element("th", { scope: "col" }, name));
    this.table = element("table", {}, this.caption, element("thead", {}, element("tr", {}, ...head)), this.body);
  }

  show(models, ago) {
    const shown = models.slice(0, MOST_ROWS);
    say(this.caption, models.length > MOST_ROWS
      ? `Models: the ${MOST_ROWS} that were used last, of ${count(models.length)}`
      : `Models: ${count(models.length)}`);
    const names = new Set(shown.map((model) => model.target_model));
    for (const [name, row] of this.rows) {
      if (!names.has(name)) {
        row.remove();
        this.rows.delete(name);
      }
    }
    shown.forEach((model, at) => {
      const row = this.row(model.target_model);
      const memory = bytes(model.bytes) + (model.bytes_from === "files" ? " (its files)" : "");
      const values = [model.state, memory, count(model.hits), count(model.loads), count(model.evictions),
        duration(model.median_seconds), duration(model.longest_seconds), ago(model.last_used)];
      values.forEach((value, place) => say(row.cells[place + 1], value));
      row.cells[1].className = model.state.replace(" ", "-");
      if (this.body.rows[at] !== row) this.body.insertBefore(row, this.body.rows[at] || null);
    });
  }

  row(name) {
    if (!this.rows.has(name)) {
      const cells = COLUMNS.slice(1).map((label) => element("td", { "data-label": label }));
      this.rows.set(name, element("tr", {}, element("th", { scope: "row" }, name), ...cells));
    }
    return this.rows.get(name);
  }
}
