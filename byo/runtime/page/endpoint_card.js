// An endpoint with its variants and their models, brought up to date at each look.

import { Chart } from "./chart.js";
import { element, say } from "./elements.js";
import { ago, bytes, count, duration } from "./figures.js";
import { ModelTable } from "./model_table.js";

export class EndpointCard {
  constructor(endpoint) {
    this.title = element("h3", {}, endpoint.name);
    this.status = element("span", { class: "status" });
    this.body = element("div");
    this.card = element("article", { class: "card", "aria-label": `Endpoint ${endpoint.name}` },
      element("header", {}, this.title, this.status), this.body);
    this.variants = new Map();
  }

  show(endpoint, passed) {
    say(this.status, endpoint.status);
    this.status.className = `status ${endpoint.status}`;
    for (const variant of endpoint.variants) {
      if (!this.variants.has(variant.name)) {
        const made = new VariantPart(variant);
        this.variants.set(variant.name, made);
        this.body.append(made.part);
      }
      this.variants.get(variant.name).show(variant, passed);
    }
  }
}

class VariantPart {
  constructor(variant) {
    this.figures = new Map();
    this.list = element("dl", { class: "figures" });
    this.note = element("p", { class: "note" });
    this.failure = element("p", { class: "failed" });
    this.rate = new Chart("Invocations a second", "rate", (value) => value.toFixed(value < 10 ? 1 : 0));
    this.latency = new Chart("Median latency", "latency", duration);
    this.models = null;
    this.before = null;
    this.part = element("div", { class: "variant" }, element("h4", {}, `Variant ${variant.name}`),
      this.note, this.failure, this.list,
      element("div", { class: "charts" }, this.rate.figure, this.latency.figure));
  }

  show(variant, passed) {
    const where = variant.image ? `${variant.image} in ${variant.container}` : variant.container;
    say(this.note, [where, variant.model_data].filter(Boolean).join(" · "));
    say(this.failure, variant.failure || "");
    this.failure.hidden = !variant.failure;
    this.figure("State", variant.state);
    this.figure("Weight", String(variant.weight));
    this.figure("Invocations", count(variant.invocations));
    this.figure("Not answered with 2xx", count(variant.failed));
    this.figure("Under way", count(variant.under_way));
    if (variant.models) this.showModels(variant);
    if (this.before !== null) {
      const more = variant.invocations - this.before;
      this.rate.add(passed > 0 ? Math.max(0, more) / passed : 0);
      this.latency.add(more > 0 ? variant.median_seconds : null);
    }
    this.before = variant.invocations;
  }

  showModels(variant) {
    if (this.models === null) {
      this.models = new ModelTable();
      this.part.append(this.models.table);
    }
    const sum = (name) => variant.models.reduce((all, model) => all + model[name], 0);
    this.figure("Models loaded", count(variant.models.filter((model) => model.state === "loaded").length));
    this.figure("Memory of models", bytes(variant.memory));
    this.figure("Disk", bytes(variant.disk));
    this.figure("Loads", count(sum("loads")));
    this.figure("Evictions", count(sum("evictions")));
    this.models.show(variant.models, (seconds) => ago(seconds, Date.now() / 1000));
  }

  figure(what, value) {
    if (!this.figures.has(what)) {
      const place = element("dd");
      this.figures.set(what, place);
      this.list.append(element("div", {}, element("dt", {}, what), place));
    }
    say(this.figures.get(what), value);
  }
}
