// Saves a draft while somebody types, and keeps a copy in this tab until the server has it. The page works without it.
"use strict";

const form = document.querySelector("form[data-autosave]");
const state = document.querySelector("[data-save-state]");

const SETTLES_MS = 2500; // after the last key
const LONGEST_MS = 8000; // of typing without a pause
const AGAIN_MS = [3000, 6000, 12000, 30000];
const PREFIX = "draft:";
const copyKey = PREFIX + location.pathname;

const HIDDEN = new Set(["csrf_token", "answers_version"]);

let settles, deadline, again;
let under = null; // the save that is under way
let failed = 0;
let stopped = false; // somebody else saved, or the session is over: only the button goes on
let known = typed();

/** What stands in the form, as pairs; files and hidden fields are not among them. */
function typed() {
  return JSON.stringify([...new FormData(form)].filter(([name, value]) => typeof value === "string" && !HIDDEN.has(name)));
}

function say(kind, ...words) {
  state.dataset.kind = kind;
  if (kind !== "saving") state.textContent = words.length ? words.join(" ") : state.dataset[kind];
}

function version() {
  return Number(form.elements.answers_version.value);
}

function keep(sent = false) {
  try {
    sessionStorage.setItem(copyKey, JSON.stringify({ version: version(), sent, typed: typed() }));
  } catch {
    /* a full or forbidden store: the page itself still has the text */
  }
}

function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function forget() {
  sessionStorage.removeItem(copyKey);
}

/** Removes the copies that the server took: they were sent, and this draft has a later version since. */
function tidy() {
  const draft = PREFIX + location.pathname.split("/").slice(0, 3).join("/") + "/";
  for (const key of Object.keys(sessionStorage)) {
    const copy = key.startsWith(draft) && kept(key);
    if (copy && copy.sent && copy.version < version()) sessionStorage.removeItem(key);
  }
}

function soon() {
  if (stopped || typed() === known) return;
  keep();
  clearTimeout(settles);
  deadline ??= Date.now() + LONGEST_MS;
  settles = setTimeout(save, Math.min(SETTLES_MS, Math.max(0, deadline - Date.now())));
}

function save() {
  clearTimeout(settles);
  clearTimeout(again);
  if (stopped) return Promise.resolve();
  if (under) return under.then(save);
  const sent = typed();
  if (sent === known) return Promise.resolve();
  deadline = undefined;
  const body = new URLSearchParams(
    [...new FormData(form)].filter(([, value]) => typeof value === "string"),
  );
  body.set("do", "autosave");
  say("saving");
  under = fetch(form.action, {
    method: "POST",
    body,
    headers: { Accept: "application/json" },
    redirect: "error",
    keepalive: document.visibilityState === "hidden",
  })
    .then((answer) => taken(answer, sent))
    .catch(() => postpone(navigator.onLine ? "failed" : "offline"))
    .finally(() => {
      under = null;
      if (!failed && !stopped) soon();
    });
  return under;
}

async function taken(answer, sent) {
  if (answer.status >= 500 || answer.status === 429) return postpone("failed");
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    stopped = true;
    return say(answer.status === 401 ? "expired" : "stopped", ...(answer.status === 401 ? [] : [told.title || state.dataset.stopped]));
  }
  const told = await answer.json();
  failed = 0;
  known = sent;
  if (typed() === sent) forget();
  form.elements.answers_version.value = told.answers_version;
  say("saved", told.saved);
  const side = document.querySelector("[data-live]");
  if (side && told.aside !== null) side.innerHTML = told.aside; // made by our own server, from escaped parts
}

function postpone(kind) {
  say(kind);
  again = setTimeout(save, AGAIN_MS[Math.min(failed, AGAIN_MS.length - 1)]);
  failed += 1;
}

/** Puts back what this tab kept: the browser closed, or the page was left, before the server had it. */
function restore() {
  const copy = kept(copyKey);
  if (!copy || copy.typed === known) return forget();
  const values = new Map();
  for (const [name, value] of JSON.parse(copy.typed)) values.set(name, [...(values.get(name) || []), value]);
  for (const field of form.elements) {
    if (!field.name || HIDDEN.has(field.name) || field.type === "file" || field.tagName === "BUTTON") continue;
    const told = values.get(field.name) || [];
    if (field.type === "checkbox" || field.type === "radio") field.checked = told.includes(field.value);
    else if (told.length) field.value = told[0];
  }
  say("restored");
  soon();
}

if (form && state) {
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  window.addEventListener("online", () => failed && save());
  window.addEventListener("offline", () => say("offline"));
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && save());

  // The button waits for a save that is under way: its version would be an old one.
  let waited = false;
  form.addEventListener(
    "submit",
    (event) => {
      clearTimeout(settles);
      clearTimeout(again);
      keep(true);
      if (!under || waited) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      waited = true;
      const { submitter } = event;
      Promise.race([under, new Promise((done) => setTimeout(done, 3000))]).then(() => form.requestSubmit(submitter));
    },
    true,
  );
  tidy();
  restore();
}
