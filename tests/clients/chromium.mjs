// Chromium, spoken to over a pipe (the DevTools protocol, messages ended by NUL), so that no library is needed.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";

const PHONE = 600;

export async function withChromium({ chromium, folder }, work) {
  const profile = mkdtempSync(join(folder, "profile-")); // whoever gave the folder removes it
  const browser = spawn(
    chromium,
    [
      "--headless=new",
      "--no-sandbox", // the tests may run as root, and open nothing but our own page
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );

  const waiting = new Map();
  const happened = [];
  const listeners = [];
  let number = 0;
  let unread = "";
  browser.stdio[4].setEncoding("utf8");
  browser.stdio[4].on("data", (piece) => {
    const messages = (unread + piece).split("\0");
    unread = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      if (message.id) {
        const { done, failed } = waiting.get(message.id);
        waiting.delete(message.id);
        message.error ? failed(new Error(message.error.message)) : done(message.result);
      } else {
        happened.push(message);
        for (const listener of [...listeners]) listener(message);
      }
    }
  });

  function send(method, params = {}, sessionId = undefined) {
    const id = ++number;
    browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    return new Promise((done, failed) => waiting.set(id, { done, failed }));
  }

  function until(method) {
    return new Promise((done) => {
      const listener = (message) => {
        if (message.method === method) {
          listeners.splice(listeners.indexOf(listener), 1);
          done(message.params);
        }
      };
      listeners.push(listener);
    });
  }

  // → a tab: `tab(method, params)` commands it, `tab.run(expression, gesture)` evaluates in it; `width` of its window
  async function attached(targetId, width) {
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const tab = (method, params) => send(method, params, sessionId);
    tab.run = async (expression, userGesture = false) => {
      const { result, exceptionDetails } = await tab("Runtime.evaluate", {
        expression,
        awaitPromise: true,
        returnByValue: true,
        userGesture,
      });
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return result.value;
    };
    for (const domain of ["Page", "Log", "Network", "Runtime"]) await tab(`${domain}.enable`);
    await tab("Emulation.setDeviceMetricsOverride", {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: width < PHONE,
    });
    return tab;
  }

  async function opened(width) {
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    return attached(targetId, width);
  }

  try {
    return await work({ send, until, happened, attached, opened });
  } finally {
    const gone = new Promise((done) => browser.on("exit", done));
    await send("Browser.close").catch(() => browser.kill());
    await gone;
  }
}
