// A real browser at the services' Swagger UI: somebody logs in once, tries operations of all three, and logs out.
//
// Standard input: {chromium, folder, width, agreements, catalog, integration, closed, of_editors, pictures?}: the services' addresses,
// lists that not everybody may read, and a folder for screenshots; standard output: what was seen, as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withChromium } from "./chromium.mjs";

const asked = JSON.parse(readFileSync(0, "utf8"));
const PATIENCE_MS = 40_000;
const STATUS = "document.querySelector('header p')?.textContent";
const pause = () => new Promise((done) => setTimeout(done, 50));

async function story({ send, happened, attached, opened }) {
  await send("Target.setDiscoverTargets", { discover: true });

  // Until an expression holds; while the tab is on its way to another page nothing does.
  async function seen(tab, expression, gesture = false) {
    const until = Date.now() + PATIENCE_MS;
    for (let failed; ; await pause()) {
      const found = await tab.run(expression, gesture).catch((error) => void (failed = error));
      if (found) return found;
      if (Date.now() > until) {
        await picture(tab, "stuck");
        throw failed ?? new Error(`never: ${expression}; ${await tab.run("document.body.innerText.slice(0, 3000)")}`);
      }
    }
  }

  const clicked = (tab, element) => seen(tab, `(() => { const e = ${element}; e?.click(); return Boolean(e) })()`, true);

  async function picture(tab, name) {
    if (!asked.pictures) return;
    await tab("Page.bringToFront"); // one that is not seen has no picture
    const { data } = await tab("Page.captureScreenshot");
    writeFileSync(join(asked.pictures, `${asked.width}-${name}.png`), Buffer.from(data, "base64"));
  }

  async function at(tab, service) {
    await tab("Page.navigate", { url: `${asked[service]}/docs` });
    await seen(tab, `location.origin === "${asked[service]}" && document.querySelector(".opblock-tag") && ${STATUS}`);
  }

  // Authorize for a role. → which pages the provider showed
  async function authorized(tab, role, organisation) {
    const before = new Set((await send("Target.getTargets")).targetInfos.map((one) => one.targetId));
    await clicked(tab, "document.querySelector('.scheme-container .authorize')");
    const box = `[...document.querySelectorAll(".auth-container")].find(e => e.querySelector("h4")?.textContent.startsWith("${role} "))`;
    await seen(tab, `Boolean(${box})`);
    await picture(tab, `roles-${role}`);
    await clicked(tab, `${box}.querySelector("button.authorize")`);
    let target;
    while (!target) {
      const { targetInfos } = await send("Target.getTargets");
      target = targetInfos.find((one) => one.type === "page" && !before.has(one.targetId));
      await pause();
    }
    const popup = await attached(target.targetId, asked.width);
    const pages = [];
    await seen(popup, "Boolean(document.querySelector('input[name=person],input[name=organisation]'))");
    if (await popup.run("Boolean(document.querySelector('input[name=person]'))")) {
      pages.push("person");
      await picture(popup, "person");
      await clicked(popup, "document.querySelector('.actions button')");
    }
    const choice = `document.querySelector('input[name=organisation][value="${organisation}"]')`;
    await clicked(popup, choice);
    pages.push("organisation");
    await picture(popup, "organisation");
    await popup.run("document.querySelector('.actions button').click()", true).catch(() => null); // it closes itself
    await seen(tab, `${STATUS}.startsWith("You act for")`);
    return pages;
  }

  // Execute an operation. → status and body of the answer
  async function tried(tab, method, path) {
    await tab("Page.bringToFront");
    const own = `document.querySelector('.opblock-${method} .opblock-summary-path[data-path="${path}"]')?.closest(".opblock")`;
    const tag = await tab.run(`ui.specSelectors.specJson().getIn(["paths", "${path}", "${method}", "tags", 0])`);
    if (!(await tab.run(`Boolean(${own})`))) await clicked(tab, `document.querySelector('.opblock-tag[data-tag="${tag}"]')`);
    await seen(tab, `Boolean(${own})`);
    if (!(await tab.run(`Boolean(${own}.querySelector(".execute"))`))) {
      await clicked(tab, `${own}.querySelector(".opblock-summary-control")`);
    } else {
      await tab.run(`${own}.querySelector(".btn-clear")?.click()`);
      await seen(tab, `!${own}.querySelector(".live-responses-table")`);
    }
    await seen(tab, `Boolean(ui.specSelectors.specResolvedSubtree(["paths", "${path}", "${method}"]))`);
    await clicked(tab, `${own}.querySelector(".execute")`);
    const cell = `${own}.querySelector(".live-responses-table tbody .response-col_status")?.firstChild?.textContent`;
    const status = Number(await seen(tab, cell));
    await tab.run(`${own}.querySelector(".live-responses-table").scrollIntoView({block: "center"})`);
    const body = await tab.run(`${own}.querySelector(".live-responses-table tbody .response-col_description")?.innerText`);
    return { status, body };
  }

  const told = {};
  const tab = await opened(asked.width);
  await at(tab, "agreements");
  told.without = await tried(tab, "get", "/call-offs");
  // Answers to another login: one with another state, one with another nonce.
  await tab.run(
    `window.swaggerUIRedirectOauth2 = {auth: {name: "municipal_buyer"}, state: "s", issuer: "i", errCb: ({message}) => (globalThis.refused = message)};
    void open("/docs/oauth2-redirect?code=c&state=another&iss=i")`,
    true,
  );
  told.state = await seen(tab, "globalThis.refused");
  told.nonce = await tab.run(`(() => {
    const id_token = "e30." + btoa('{"nonce": "another"}') + ".c2ln";
    ui.authActions.authorizeOauth2({auth: {name: "municipal_buyer"}, token: {id_token, access_token: "a"}});
    return ui.errSelectors.allErrors().map((one) => one.get("message")).join() + ui.authSelectors.authorized().size;
  })()`);
  told.pages = [await authorized(tab, "municipal_buyer", "964983291")];
  told.agreements = { status: await tab.run(STATUS), answer: await tried(tab, "get", "/call-offs") };
  await picture(tab, "answer");
  told.refused = await tried(tab, "get", asked.closed);
  await picture(tab, "refused");
  told.kept = await tab.run("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])");
  const other = await opened(asked.width);
  await at(other, "catalog");
  told.pages.push(await authorized(other, "municipal_editor", "964983291"));
  told.catalog = { status: await other.run(STATUS), answer: await tried(other, "get", asked.of_editors) };
  await at(tab, "integration");
  told.pages.push(await authorized(tab, "platform_administrator", "964983291"));
  told.integration = { status: await tab.run(STATUS), answer: await tried(tab, "get", "/dispatches") };
  told.wide = await tab.run("[document.documentElement.scrollWidth, innerWidth]");
  await tab.run("scrollTo(0, 0)");
  await picture(tab, "top");
  await clicked(tab, "document.querySelector('header button:not([hidden])')");
  await seen(other, `${STATUS}.startsWith("Not logged in")`);
  told.elsewhere = await tried(other, "get", asked.of_editors);
  await seen(tab, `location.href === "${asked.integration}/docs" && ${STATUS}?.startsWith("Not logged in") && document.querySelector(".opblock-tag") && true`);
  await picture(tab, "out");
  told.out = await tried(tab, "get", "/dispatches");
  told.pages.push(await authorized(tab, "platform_administrator", "100000008"));
  told.again = await tab.run(STATUS);
  told.complaints = happened.filter((m) => m.method === "Log.entryAdded" && m.params.entry.level !== "verbose").map((m) => `${m.params.entry.text} ${m.params.entry.url ?? ""}`);
  told.errors = happened.filter((m) => m.method === "Runtime.exceptionThrown").map((m) => JSON.stringify(m.params.exceptionDetails));
  told.requests = happened.filter((m) => m.method === "Network.requestWillBeSent").map((m) => m.params.request.url);
  return told;
}

try {
  process.stdout.write(JSON.stringify(await withChromium(asked, story)));
} catch (error) {
  console.error(error);
  process.exit(1);
}
