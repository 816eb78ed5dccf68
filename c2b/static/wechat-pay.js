// Paying inside WeChat: its own script opens the payment with what the server signed. Without this file the page says what to do instead.
(() => {
  "use strict";
  const place = document.getElementById("wechat-pay");
  const button = place?.querySelector("button");
  if (!place || !button) return;
  const { appid, timestamp, noncestr, package: prepaid, signtype, paysign, back } = place.dataset;
  const order = { appId: appid, timeStamp: timestamp, nonceStr: noncestr, package: prepaid, signType: signtype, paySign: paysign };

  function say(what) {
    for (const said of place.querySelectorAll("[data-say]")) said.hidden = said.dataset.say !== what;
    button.disabled = false;
  }

  function pay() {
    say("");
    button.disabled = true;
    window.WeixinJSBridge.invoke("getBrandWCPayRequest", order, (answer) => {
      const result = String(answer?.err_msg ?? "");
      // "ok" is what WeChat's window says; whether money came, the shop asks WeChat itself.
      if (result.endsWith(":ok")) location.assign(back);
      else say(result.endsWith(":cancel") ? "cancel" : "fail");
    });
  }

  function ready() {
    button.hidden = false;
    button.addEventListener("click", pay);
    pay();
  }

  say("");
  if (window.WeixinJSBridge) ready();
  else document.addEventListener("WeixinJSBridgeReady", ready, { once: true });
})();
