// A real browser opens one page: what axe-core finds in it, how wide it is, how it looks and how it prints.
//
// Standard input: {url, chromium, folder, headers?, width, screenshot?: bool, print?: bool, dark?: bool}; standard output: JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { withChromium } from "./chromium.mjs";

const asked = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function look({ until, happened, opened }) {
  const tab = await opened(asked.width);
  const { run } = tab;
  if (asked.headers) await tab("Network.setExtraHTTPHeaders", { headers: asked.headers });
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

try {
  process.stdout.write(JSON.stringify(await withChromium(asked, look)));
} catch (error) {
  console.error(error);
  process.exit(1);
}
