// A tap that was not saved says so, and the card goes on showing how things really are. Without this file every tap is a plain form.
(() => {
  "use strict";
  const card = (code) => document.getElementById(code);
  let tick = null;
  let held = null;
  let again = null;

  const isTap = (button) => button instanceof Element && button.matches("[hx-post*='/votes/']");

  function say(button, status) {
    const said = document.getElementById("not-saved");
    const strip = document.querySelector("#ballot .toast");
    if (!isTap(button) || !said || !strip) return;
    again = status >= 400 && status < 429 ? null : (button.closest("li")?.id ?? null); // an outdated page is loaded anew
    const copy = said.content.cloneNode(true);
    copy.querySelector(status === 429 ? "[data-usual]" : "[data-busy]").remove();
    strip.replaceChildren(copy);
    strip.classList.add("bad");
  }

  // To the page as it really is, also where only the place on it is another one.
  function go(to) {
    const here = to.pathname === location.pathname && to.search === location.search;
    location.assign(to);
    if (here) location.reload();
  }

  // Offline, too slow, or cut off: nobody answered.
  document.addEventListener("htmx:error", (event) => say(event.target, 0));

  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const answer = ctx?.response;
    if (!isTap(ctx?.sourceElement) || !answer) return;
    const to = answer.headers.get("HX-Redirect");
    if (answer.status < 400 && to) {
      event.preventDefault();
      return go(new URL(to, location.href));
    }
    if (answer.status < 400 && ctx.text.includes('id="ballot"')) return;
    event.preventDefault(); // a refusal, or somebody else's page: a hotel's sign-in, a proxy
    say(ctx.sourceElement, answer.status);
  });

  // When its card is drawn anew, a design ticked for comparison stays ticked, and who taps by keyboard stays on its button.
  document.addEventListener("htmx:before:swap", (event) => {
    const here = event.detail.ctx?.sourceElement?.closest?.("li");
    tick = here?.querySelector(".cmp input")?.checked ? here.id : null;
    held = here?.contains(document.activeElement) ? here.id : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    const box = tick && card(tick)?.querySelector(".cmp input");
    if (box) box.checked = true;
    tick = null;
    if (held) card(held)?.querySelector(".vote")?.focus({ preventScroll: true });
    held = null;
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-again]")) return;
    const button = again && card(again)?.querySelector(".vote");
    if (button) button.click();
    else location.reload();
  });
})();
