// Small improvements; every page works without them.
"use strict";

// After a POST, bring the reader to what changed: the list of mistakes, or the message.
const first = document.querySelector(".error-summary[data-focus]") || document.querySelector("[data-focus]");
if (first) first.focus();

// A double click sends once. The button is never disabled: after five seconds, or coming back, it sends again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sentAt && Date.now() - Number(form.dataset.sentAt) < 5000) event.preventDefault();
  else form.dataset.sentAt = String(Date.now());
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sentAt;
});

// Words or characters left, said one second after the last key.
for (const box of document.querySelectorAll("[data-max-words],[data-max-chars]")) {
  const counter = box.parentElement.querySelector(".counter");
  const words = box.dataset.maxWords;
  const limit = Number(words || box.dataset.maxChars);
  let wait;
  const say = () => {
    const used = words ? box.value.split(/\s+/).filter(Boolean).length : box.value.length;
    const left = limit - used;
    counter.textContent = (left < 0 ? counter.dataset.over : counter.dataset.left).replace("%d", Math.abs(left));
    counter.classList.toggle("over", left < 0);
  };
  box.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(say, 1000);
  });
  say();
}

// Signing out on a shared computer leaves no typed text behind in this tab.
for (const out of document.querySelectorAll('form[action="/uitloggen"]')) {
  out.addEventListener("submit", () => sessionStorage.clear());
}
