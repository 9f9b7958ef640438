// From the press of a key or button to the text on the other side, by the page's own clock.

/**
 * Milliseconds, rounded, from the next press in the page or in the AIM window until `text` is drawn on `side`
 * ("widget" or "aim"). Call it before the press; await it after.
 */
export async function appears(page, side, text) {
  return await page.evaluate(
    ([side, text]) =>
      new Promise((resolve) => {
        const aim = document.querySelector('iframe[title="AIM"]').contentDocument;
        const shown = () =>
          side === "aim"
            ? aim.body.textContent
            : document.querySelector("bridgebot-chat").shadowRoot.querySelector("[role=log]").textContent;
        let pressed;
        const press = (event) => {
          if (event.type === "click" || event.key === "Enter") pressed ??= performance.now();
        };
        for (const root of [document, aim]) {
          root.addEventListener("click", press, { capture: true });
          root.addEventListener("keydown", press, { capture: true });
        }
        const look = () => {
          if (pressed !== undefined && shown().includes(text))
            resolve(Math.round(performance.now() - pressed));
          else requestAnimationFrame(look);
        };
        look();
      }),
    [side, text],
  );
}
