// A field for each column of a model, and the body that their values make.

import { element } from "./elements.js";

const MOST_FIELDS = 60;

export class RowFields {
  // changed: called when a value has changed.
  constructor(place, changed) {
    this.place = place;
    this.columns = [];
    place.addEventListener("input", changed);
  }

  // Whether a model can be asked by fields.
  show(signature) {
    const columns = signature ? signature.columns : [];
    this.columns = columns.length <= MOST_FIELDS ? columns : [];
    this.place.replaceChildren(...this.columns.map(labelled));
    return this.columns.length > 0;
  }

  body(contentType) {
    const texts = [...this.place.querySelectorAll("input, select")].map((field) => field.value);
    const type = contentType.split(";")[0].trim().toLowerCase();
    if (type === "text/csv") return `${texts.map(cell).join(",")}\n`;
    const values = this.columns.map((column, at) => valueOf(column, texts[at]));
    const row = this.columns.every((column) => column.name)
      ? Object.fromEntries(this.columns.map((column, at) => [column.name, values[at]]))
      : values;
    if (type === "application/json") return JSON.stringify({ instances: [row] });
    return type === "application/jsonlines" ? `${JSON.stringify(row)}\n` : null;
  }
}

function labelled(column, at) {
  const name = column.name || `column ${at + 1}`;
  return element("label", {}, `${name} `, control(column));
}

function control(column) {
  const example = column.example === null || column.example === undefined ? "" : String(column.example);
  const choices = column.choices || (column.kind === "boolean" ? ["true", "false"] : null);
  if (!choices) {
    const isNumber = column.kind === "number" || column.kind === "integer";
    return element("input", { value: example, inputmode: isNumber ? "decimal" : "text", autocomplete: "off" });
  }
  const select = element("select", {}, element("option", { value: "" }, "(missing)"),
    ...choices.map((choice) => element("option", {}, String(choice))));
  select.value = example;
  return select;
}

// What is left empty is missing. A number that is none is sent as it was typed: the model says so.
function valueOf(column, text) {
  if (text === "") return null;
  if (column.kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (column.kind === "number" || column.kind === "integer") {
    const number = Number(text);
    const isExact = Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
    return isExact && text.trim() !== "" ? number : text;
  }
  return text;
}

function cell(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
