// Sends files piece by piece: how far they are, stop, try again, and on from where a connection broke. Without this
// script the form sends them whole.

const words = document.querySelector("template[data-upload]");
const said = document.querySelector("[data-upload-said]");
const slots = [...document.querySelectorAll("[data-slot]")];
const form = slots.length ? slots[0].closest("form") : null;

const AT_ONCE = 2;
const PIECE = { fewest: 64 * 1024, most: 1024 * 1024 }; // bytes; larger while they go fast
const AGAIN_MS = [1000, 2000, 4000, 8000, 15000, 30000];

const jobs = new Set(); // every file that has a row on the page

function say(text) {
  said.textContent = text;
}

function fill(text, name) {
  return text.replace("%s", () => name);
}

/** A size as the server writes it: rounded up, so that what is too large never reads as what is allowed. */
function sizeWords(bytes) {
  const tenths = Math.ceil((bytes * 10) / (1024 * 1024));
  if (tenths < 10) return `${Math.ceil(bytes / 1024)} kB`;
  return `${String(tenths / 10).replace(".", words.dataset.comma)} MB`;
}

class Refusal extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

class Job {
  constructor(slot, file) {
    this.slot = slot;
    this.file = file;
    this.state = "waiting"; // then sending, then gone; or pausing (tries again by itself), or failed
    this.tries = 0;
    this.row = words.content.cloneNode(true).firstElementChild;
    this.row.querySelector("[data-name]").textContent = file.name;
    this.bar = this.row.querySelector("progress");
    this.bar.setAttribute("aria-label", file.name);
    for (const hidden of this.row.querySelectorAll(".visually-hidden")) hidden.textContent = ` ${file.name}`;
    this.stopButton = this.row.querySelector("[data-cancel]");
    this.retryButton = this.row.querySelector("[data-retry]");
    this.stopButton.addEventListener("click", () => this.stop());
    this.retryButton.addEventListener("click", () => this.retry());
    slot.querySelector("[data-queue]").append(this.row);
    this.tell(words.dataset.waiting);
    jobs.add(this);
  }

  get active() {
    return this.state !== "failed";
  }

  get input() {
    return this.slot.querySelector("input[type=file]");
  }

  tell(text, { wrong = false } = {}) {
    this.row.querySelector("[data-state]").textContent = text;
    this.row.classList.toggle("notice-error", wrong);
    this.row.classList.toggle("notice-info", !wrong);
  }

  show(arrived) {
    const percent = Math.floor((arrived * 100) / this.file.size);
    this.bar.value = percent;
    this.tell(words.dataset.sending.replace("%d", percent).replace("%%", "%"));
  }

  async call(url, options) {
    const answer = await fetch(url, {
      redirect: "error",
      ...options,
      signal: this.control.signal,
      headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrf_token.value, ...options.headers },
    });
    const told = await answer.json();
    if (!answer.ok) throw new Refusal(answer.status, told.title);
    return told;
  }

  async run() {
    this.state = "sending";
    this.control = new AbortController();
    this.retryButton.hidden = true;
    try {
      const { name, size, lastModified } = this.file;
      const body = new URLSearchParams({ slot: this.slot.dataset.slot, name, size, stamp: lastModified });
      let told = await this.call(words.dataset.upload, { method: "POST", body });
      this.url = told.url;
      this.claim();
      for (let piece = PIECE.fewest; !told.done; ) {
        this.show(told.arrived);
        const end = Math.min(told.arrived + piece, size);
        if (end === size) this.tell(words.dataset.checking);
        const began = performance.now();
        told = await this.call(`${this.url}?from=${told.arrived}`, {
          method: "PUT",
          body: this.file.slice(told.arrived, end),
          headers: { "Content-Type": "application/octet-stream" },
        });
        const took = performance.now() - began;
        if (took < 800) piece = Math.min(PIECE.most, piece * 2);
        else if (took > 3000) piece = Math.max(PIECE.fewest, piece / 2);
        this.tries = 0;
      }
      this.finish(told);
    } catch (error) {
      if (error.name !== "AbortError") this.broke(error);
    }
    next();
  }

  /** Takes over what the page says is not done yet, as it goes on now. */
  claim() {
    for (const left of this.slot.querySelectorAll("[data-token]")) {
      const token = left.dataset.token;
      if ([...jobs].some((job) => job.active && job.url && job.url.endsWith(`/${token}`))) left.remove();
    }
  }

  broke(error) {
    if (error instanceof Refusal && error.status < 500 && error.status !== 429) {
      if (error.status === 404 && this.tries < 3) return this.pause(error);
      const expired = error.status === 400 || error.status === 401;
      return this.fail(expired ? words.dataset.expired : error.message, error.status === 404);
    }
    return this.tries < AGAIN_MS.length ? this.pause(error) : this.fail(words.dataset.failed, true);
  }

  pause() {
    this.state = "pausing";
    this.tell(words.dataset.offline);
    this.retryButton.hidden = false;
    this.timer = setTimeout(() => this.retry(), AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)]);
    this.tries += 1;
  }

  fail(text, again) {
    this.state = "failed";
    this.bar.hidden = true;
    this.tell(text, { wrong: true });
    this.retryButton.hidden = !again;
    this.stopButton.firstChild.textContent = words.dataset.dismiss;
    say(`${this.file.name}: ${text}`);
  }

  retry() {
    clearTimeout(this.timer);
    if (this.state === "sending") return;
    if (this.state === "failed") this.tries = 0;
    this.bar.hidden = false;
    this.state = "waiting";
    this.tell(words.dataset.waiting);
    next();
  }

  stop() {
    clearTimeout(this.timer);
    if (this.control) this.control.abort();
    if (this.url) {
      const { csrf_token: token } = form.elements;
      fetch(this.url, { method: "DELETE", headers: { Accept: "application/json", "X-CSRFToken": token.value } }).catch(
        () => {}, // then it is forgotten after a day
      );
    }
    if (this.active) say(fill(words.dataset.stopped, this.file.name));
    this.leave();
    next();
  }

  finish(told) {
    this.slot.querySelector("[data-files]").innerHTML = told.html; // made by our own server, from escaped parts
    this.slot.querySelector(".has-error")?.classList.remove("has-error");
    this.slot.querySelector(".field-error")?.remove();
    this.input.removeAttribute("aria-invalid");
    say(fill(words.dataset.done, this.file.name));
    this.leave();
    this.claim();
  }

  leave() {
    const focused = this.row.contains(document.activeElement);
    jobs.delete(this);
    this.row.remove();
    if (focused) this.input.focus();
  }
}

/** Lets the next files go, a few at once. */
function next() {
  const sending = [...jobs].filter((job) => job.state === "sending").length;
  const waiting = [...jobs].filter((job) => job.state === "waiting");
  for (const job of waiting.slice(0, Math.max(0, AT_ONCE - sending))) job.run();
}

function choose(slot, input) {
  for (const file of input.files) {
    if ("single" in slot.dataset) for (const job of [...jobs]) if (job.slot === slot) job.stop();
    const job = new Job(slot, file);
    const { most, mostWords } = slot.dataset;
    if (file.size === 0) job.fail(words.dataset.empty, false);
    else if (file.size > Number(most))
      job.fail(words.dataset.large.replace("%s", sizeWords(file.size)).replace("%m", mostWords), false);
  }
  input.value = ""; // so that the form does not send them again
  next();
}

if (words && form) {
  for (const slot of slots) {
    const input = slot.querySelector("input[type=file]");
    input.addEventListener("change", () => choose(slot, input));
    if (input.files.length) choose(slot, input); // chosen before this script came
  }
  window.addEventListener("online", () => {
    for (const job of jobs) if (job.state === "pausing") job.retry();
  });
  // A page that is left would break off what is on its way.
  const busy = () => [...jobs].find((job) => job.active);
  window.addEventListener("beforeunload", (event) => busy() && event.preventDefault());
  form.addEventListener(
    "submit",
    (event) => {
      const job = busy();
      if (!job) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      job.tell(words.dataset.busy);
      say(words.dataset.busy);
      job.stopButton.focus();
    },
    true,
  );
}
