// Looks at the server once a second and shows what it says.

import { element, say } from "./elements.js";
import { EndpointCard } from "./endpoint_card.js";
import { InvocationForm } from "./invocation_form.js";
import { askState } from "./requests.js";

const LOOK_MILLISECONDS = 1000;

const connection = document.getElementById("connection");
const place = document.getElementById("cards");
const form = new InvocationForm(document);
const cards = new Map();
let last = null;

function show(state) {
  const now = performance.now();
  const passed = last === null ? 0 : (now - last) / 1000;
  last = now;
  for (const endpoint of state.endpoints) {
    if (!cards.has(endpoint.name)) {
      const card = new EndpointCard(endpoint);
      cards.set(endpoint.name, card);
      place.append(card.card);
    }
    cards.get(endpoint.name).show(endpoint, passed);
  }
  if (!state.endpoints.length) place.replaceChildren(element("p", {}, "There is no endpoint."));
  form.show(state.endpoints);
}

async function look() {
  try {
    show(await askState());
    connection.className = "";
    say(connection, `${location.host}: live`);
  } catch (error) {
    connection.className = "lost";
    say(connection, `${location.host} does not answer: ${error.message}`);
  }
  // What nobody looks at is not asked for.
  if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
  setTimeout(look, LOOK_MILLISECONDS);
}

look();
