// The form that invokes an endpoint: fields by the model's signature, or a body as it is typed.

import { asBoto3, asCurl } from "./code_samples.js";
import { element, say } from "./elements.js";
import { bytes } from "./figures.js";
import { askSignature, invoke } from "./requests.js";
import { RowFields } from "./row_fields.js";

const LONGEST_SHOWN = 100000;

export class InvocationForm {
  constructor(document) {
    this.form = document.getElementById("invocation");
    this.result = document.getElementById("result");
    this.columns = document.getElementById("columns");
    this.note = document.getElementById("body-note");
    this.code = { curl: document.getElementById("curl"), boto3: document.getElementById("boto3") };
    this.targets = document.getElementById("targets");
    this.target = document.getElementById("target");
    this.input = this.form.elements;
    this.endpoints = new Map();
    this.asked = null;
    this.rows = new RowFields(document.getElementById("fields"), () => this.compose());
    this.input["content-type"].value = "application/json";
    this.input.endpoint.addEventListener("change", () => this.choose());
    this.input.variant.addEventListener("change", () => this.describe());
    this.input.target.addEventListener("change", () => this.describe());
    this.input["content-type"].addEventListener("input", () => this.compose());
    for (const name of ["accept", "body"]) this.input[name].addEventListener("input", () => this.showCode());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => this.copy(button));
  }

  // What there is to invoke, as it is now.
  show(endpoints) {
    const names = endpoints.map((each) => each.name).join("\n");
    const isNew = names !== [...this.endpoints.keys()].join("\n");
    this.endpoints = new Map(endpoints.map((each) => [each.name, each]));
    if (isNew) {
      options(this.input.endpoint, endpoints.map((each) => each.name));
      this.choose();
    } else {
      this.listTargets();
    }
  }

  get endpoint() {
    return this.endpoints.get(this.input.endpoint.value);
  }

  get isMultiModel() {
    return Boolean(this.endpoint && this.endpoint.variants.some((each) => each.multi_model));
  }

  choose() {
    const names = this.endpoint ? this.endpoint.variants.map((each) => each.name) : [];
    options(this.input.variant, ["", ...names], "(by weight)");
    this.target.hidden = !this.isMultiModel;
    this.listTargets();
    this.describe();
  }

  listTargets() {
    const models = this.endpoint ? this.endpoint.variants.flatMap((each) => each.models || []) : [];
    const names = [...new Set(models.map((each) => each.target_model))].slice(0, 200);
    if (names.join("\n") !== [...this.targets.children].map((each) => each.value).join("\n")) {
      this.targets.replaceChildren(...names.map((name) => element("option", { value: name })));
    }
  }

  // Ask what the model takes; a later question overtakes an earlier one.
  async describe() {
    if (!this.endpoint) return;
    const asked = (this.asked = Symbol("question"));
    const target = this.isMultiModel ? this.input.target.value : "";
    let signature = null;
    try {
      signature = await askSignature(this.endpoint.name, this.input.variant.value, target);
    } catch {
      signature = null;
    }
    if (asked !== this.asked) return;
    const hasFields = this.rows.show(signature);
    this.columns.hidden = !hasFields;
    say(this.note, hasFields ? "Made of the fields above; it can be changed before it is sent."
      : this.isMultiModel && !target ? "Name a target model. Once it is loaded, its fields are here."
        : "Nothing says what this model takes: type a body of the content type above.");
    this.compose();
  }

  compose() {
    const made = this.columns.hidden ? null : this.rows.body(this.input["content-type"].value);
    if (made !== null) this.input.body.value = made;
    this.showCode();
  }

  request() {
    return {
      endpoint: this.input.endpoint.value,
      variant: this.input.variant.value,
      target: this.isMultiModel ? this.input.target.value : "",
      contentType: this.input["content-type"].value,
      accept: this.input.accept.value,
      body: this.input.body.value,
    };
  }

  showCode() {
    say(this.code.curl, asCurl(this.request()));
    say(this.code.boto3, asBoto3(this.request()));
  }

  async send() {
    const button = this.form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      this.showAnswer(await invoke(this.request()));
      if (this.columns.hidden && this.isMultiModel) this.describe();
    } catch (error) {
      this.result.replaceChildren(answerOf("No answer", true, String(error)));
    } finally {
      button.disabled = false;
    }
  }

  showAnswer(answer) {
    const title = `${answer.status} ${answer.error || (answer.ok ? "OK" : "")} in ${answer.milliseconds.toFixed(1)} ms`;
    const about = [answer.contentType, bytesOf(answer.bytes), answer.variant && `variant ${answer.variant}`].filter(Boolean);
    this.result.replaceChildren(answerOf(title, !answer.ok, textOf(answer), about.join(" · ")));
  }

  async copy(button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(this.code[button.dataset.copy].textContent);
      say(button, "Copied");
    } catch {
      say(button, "Select and copy by hand");
    }
    setTimeout(() => say(button, label), 2000);
  }
}

function options(select, names, ofNone = "") {
  const chosen = select.value;
  select.replaceChildren(...names.map((name) => element("option", { value: name }, name || ofNone)));
  if (names.includes(chosen)) select.value = chosen;
}

function answerOf(title, isFailure, text, about = "") {
  return element("div", { class: "answer" }, element("h3", { class: isFailure ? "failed" : "" }, title),
    element("p", { class: "note" }, about), element("pre", { tabindex: "0", "aria-label": "Body of the answer" }, text));
}

function bytesOf(body) {
  return body.length < 10240 ? `${body.length} bytes` : bytes(body.length);
}

// What is no text is told by its first bytes.
function textOf(answer) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(answer.bytes.subarray(0, LONGEST_SHOWN));
  } catch {
    const first = [...answer.bytes.subarray(0, 64)].map((each) => each.toString(16).padStart(2, "0"));
    return `no text; it begins with the bytes ${first.join(" ")}`;
  }
  return answer.bytes.length > LONGEST_SHOWN ? `${text}\n… (${bytes(answer.bytes.length)} in all)` : text;
}
