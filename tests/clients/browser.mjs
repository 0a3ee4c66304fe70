// A real browser opens one page: what axe-core finds in it, how wide it is, how it looks and how it prints.
//
// Standard input: {url, chromium, folder, headers?, width, screenshot?: bool, print?: bool, dark?: bool}; standard output: JSON.
// Chromium is spoken to over a pipe (the DevTools protocol, messages ended by NUL), so that no library is needed.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const asked = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(asked.folder, "profile-")); // whoever gave the folder removes it
const browser = spawn(
  asked.chromium,
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

async function look() {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const tab = (method, params) => send(method, params, sessionId);
  const run = async (expression) => {
    const { result, exceptionDetails } = await tab("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  };
  await tab("Page.enable");
  await tab("Log.enable");
  await tab("Network.enable");
  if (asked.headers) await tab("Network.setExtraHTTPHeaders", { headers: asked.headers });
  await tab("Emulation.setDeviceMetricsOverride", {
    width: asked.width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: asked.width < 600,
  });
  if (asked.dark) {
    await tab("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
  }
  const loaded = until("Page.loadEventFired");
  const { errorText } = await tab("Page.navigate", { url: asked.url });
  if (errorText) throw new Error(errorText);
  await loaded;
  const answer = {
    title: await run("document.title"),
    lang: await run("document.documentElement.lang"),
    headings: await run("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])"),
    scrollWidth: await run("document.documentElement.scrollWidth"),
    innerWidth: await run("window.innerWidth"),
    requests: happened.filter((m) => m.method === "Network.requestWillBeSent").map((m) => m.params.request.url),
    complaints: happened.filter((m) => m.method === "Log.entryAdded").map((m) => m.params.entry.text),
  };
  // DevTools may run what the page's own policy forbids the page to.
  await run(axe);
  const found = await run("axe.run(document, {resultTypes: ['violations', 'incomplete']})");
  const told = ({ id, nodes }) => ({ id, nodes: nodes.map((n) => `${n.html} ${n.failureSummary ?? ""}`) });
  answer.violations = found.violations.map(told);
  answer.incomplete = found.incomplete.map(told);
  answer.passes = found.passes.length;
  if (asked.screenshot) {
    const { data } = await tab("Page.captureScreenshot", { captureBeyondViewport: true });
    answer.screenshot = data;
  }
  if (asked.print) {
    const { data } = await tab("Page.printToPDF", { preferCSSPageSize: true, printBackground: false });
    answer.pdf = data;
  }
  return answer;
}

let failure;
try {
  process.stdout.write(JSON.stringify(await look()));
} catch (error) {
  failure = error;
} finally {
  const gone = new Promise((done) => browser.on("exit", done));
  await send("Browser.close").catch(() => browser.kill());
  await gone;
}
if (failure) {
  console.error(failure);
  process.exit(1);
}
