// Swiping a design away does what the two buttons do, and only if there is a button: left the next one, right a vote.
(() => {
  const card = document.querySelector("[data-swipes]");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const far = 72;
  let start = null;
  if (!card || !("ontouchstart" in window)) return;
  document.querySelectorAll("[data-swipe-hint]").forEach((hint) => { hint.hidden = false; });

  const way = (touch) => {
    const x = touch.clientX - start.x, y = touch.clientY - start.y;
    return Math.abs(x) > 2 * Math.abs(y) ? x : 0; // else somebody scrolls
  };
  const button = (x) => document.querySelector(`[data-swipe=${x < 0 ? "left" : "right"}]`);
  const put = (x) => { card.style.transform = x && !still.matches ? `translateX(${x / 2}px)` : ""; };

  card.addEventListener("touchstart", (event) => {
    const { clientX: x, clientY: y } = event.touches[0];
    const edge = x < 24 || x > innerWidth - 24; // the browser's own gesture: back and forward
    start = event.touches.length === 1 && !edge ? { x, y } : null;
  }, { passive: true });
  card.addEventListener("touchmove", (event) => {
    if (start && event.touches.length > 1) { start = null; put(0); } // zooming
    if (start) put(button(way(event.touches[0])) ? way(event.touches[0]) : 0);
  }, { passive: true });
  card.addEventListener("touchcancel", () => { start = null; put(0); });
  card.addEventListener("touchend", (event) => {
    const x = start ? way(event.changedTouches[0]) : 0;
    start = null;
    put(0);
    if (Math.abs(x) >= far) button(x)?.click();
  });
})();
