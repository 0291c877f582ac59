// The screen in the room follows the meeting: every ten seconds, until somebody stops it (WCAG 2.2.2).
"use strict";

const EVERY_MS = 10_000;
let stopped = false;

function watch() {
  const button = document.querySelector("[data-pause]");
  const other = button.dataset.paused;
  button.hidden = false;
  button.addEventListener("click", () => {
    stopped = !stopped;
    [button.textContent, button.dataset.paused] = [button.dataset.paused, button.textContent];
  });
  if (stopped) [button.textContent, button.dataset.paused] = [other, button.textContent];
}

async function renew() {
  if (stopped || document.hidden) return;
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [now, then] = [document.querySelector("main"), next.querySelector("main")];
  if (!then || then.textContent === now.textContent) return;
  document.title = next.title;
  now.replaceWith(then);
  watch();
}

watch();
setInterval(renew, EVERY_MS);
