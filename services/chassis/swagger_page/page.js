// Swagger UI, with a login (PKCE) for each role. A token lives as long as the page does: it is written down nowhere.
const login = JSON.parse(document.body.dataset.login); // null: tokens are only pasted
const [links, status, leave] = document.querySelectorAll("header > *");
const everyTab = new BroadcastChannel("login");
const FAREWELLS_MS = 2000;
let nonce; // of the login that is under way
let seen = null; // the token that the status speaks of
let expiry;

const random = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function claims(token) {
  const part = token?.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/");
  try {
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (one) => one.charCodeAt(0))));
  } catch {
    return {};
  }
}

const withLogin = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        // What Swagger UI does not send, or not well: a nonce, a state that cannot be guessed, and what is asked of the role.
        authPopup: (original) => (address, popup) => {
          const { name, schema, scopes } = popup.auth;
          nonce = random();
          popup.state = random();
          popup.issuer = login.issuer;
          const wanted = scopes.filter((scope) => schema.get("scopes").has(scope));
          const url = new URL(address);
          const more = {
            ...login.asks,
            authorization_details: login.roles[name],
            scope: ["openid", ...wanted].join(" "),
            state: popup.state,
            nonce,
          };
          for (const [key, value] of Object.entries(more)) url.searchParams.set(key, value);
          return original(url.href, popup);
        },
        authorizeOauth2:
          (original, { authActions, errActions }) =>
          (given) => {
            const { name } = given.auth;
            if (claims(given.token.id_token).nonce !== nonce) {
              const message = "This token belongs to another login (nonce).";
              return errActions.newAuthErr({ authId: name, source: "auth", level: "error", message });
            }
            forgetAllBut(name);
            authActions.showDefinitions(false);
            return original(given);
          },
        authorize: (original) => (given) => {
          forgetAllBut(...Object.keys(given)); // a token was pasted
          return original(given);
        },
        // The field for a pasted token takes the focus, and with it the sight of everything above it.
        showDefinitions: (original) => (given) => {
          original(given);
          requestAnimationFrame(() => {
            document.activeElement?.blur();
            document.querySelector(".modal-ux-content")?.scrollTo(0, 0);
          });
        },
        logoutWithPersistOption: (original) => (names) => {
          const atProvider = names.some((name) => login?.roles[name]);
          original(names);
          if (atProvider) endSession();
        },
      },
    },
  },
});

const ui = SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none", // hundreds of operations at once are slow to draw, and long to scroll on a telephone
  defaultModelsExpandDepth: -1,
  filter: true,
  tryItOutEnabled: true,
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect`,
  plugins: [withLogin],
});

// Swagger UI reads the whole contract anew for each operation that is opened, which takes seconds when it is a long one.
// It is given the part that is asked for, with what that refers to.
const resolveWhole = ui.fn.resolveSubtree;
ui.fn.resolveSubtree = (contract, path, ...more) => resolveWhole(part(contract, path), path, ...more);

function part(contract, path) {
  const wanted = path.reduce((value, step) => value?.[step], contract);
  const kept = { ...contract, paths: {}, components: {} };
  put(kept, path, wanted);
  const unread = [wanted];
  while (unread.length) {
    const value = unread.pop();
    if (typeof value?.$ref === "string" && value.$ref.startsWith("#/")) {
      const steps = value.$ref.slice(2).split("/");
      const found = steps.reduce((within, step) => within?.[step], contract);
      if (put(kept, steps, found)) unread.push(found);
    }
    if (value && typeof value === "object") unread.push(...Object.values(value));
  }
  return kept;
}

// → whether it was not there before
function put(whole, path, value) {
  const last = path.at(-1);
  const within = path.slice(0, -1).reduce((one, step) => (one[step] ??= {}), whole);
  if (last in within) return false;
  within[last] = value;
  return true;
}

if (login) ui.initOAuth({ clientId: login.client, scopes: login.scopes, usePkceWithAuthorizationCodeGrant: true });

function held() {
  for (const one of ui.authSelectors.authorized()?.values() ?? []) {
    const token = one.getIn?.(["token", "access_token"]) ?? one.get("value");
    if (typeof token === "string") return token;
  }
  return null;
}

// One acts in one role at a time.
function forgetAllBut(...kept) {
  ui.authActions.logout([...ui.authSelectors.authorized().keys()].filter((name) => !kept.includes(name)));
}

async function show() {
  const token = held();
  clearTimeout(expiry);
  leave.hidden = !token;
  status.classList.remove("refused");
  if (!token) {
    status.textContent = login ? "Not logged in: Authorize, and choose a role." : "Not logged in: Authorize with a token.";
    return;
  }
  const answer = await fetch("/docs/caller", { headers: { Authorization: `Bearer ${token}` } });
  const told = await answer.json();
  if (token !== held()) return; // of another token by now
  if (!answer.ok) {
    status.classList.add("refused");
    status.textContent = `${told.title} ${told.detail ?? ""}`;
    return;
  }
  const { authorization_details: details = [], exp } = claims(token);
  const parties = details.flatMap((one) => one.authorized_parties ?? []);
  const party = parties.find((one) => one.orgno?.ID?.endsWith(told.organisation));
  const until = new Date(exp * 1000);
  const who = party?.name ? `${party.name} (${told.organisation})` : told.organisation;
  const roles = told.roles.map((role) => role.replaceAll("_", " ")).join(", ") || "no role";
  status.textContent = `You act for ${who} as ${roles}, until ${until.toTimeString().slice(0, 5)}.`;
  expiry = setTimeout(forgetAllBut, until - Date.now());
}

async function endSession() {
  forgetAllBut();
  everyTab.postMessage("logged out");
  const others = Object.values(login.pages).filter((page) => new URL(page).origin !== location.origin);
  const told = others.map(
    (page) =>
      new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.hidden = true;
        frame.onload = done;
        frame.src = `${page}/farewell`;
        document.body.append(frame);
      }),
  );
  await Promise.race([Promise.all(told), new Promise((done) => setTimeout(done, FAREWELLS_MS))]);
  const url = new URL(login.logout);
  url.searchParams.set("client_id", login.client);
  url.searchParams.set("post_logout_redirect_uri", `${location.origin}/docs`);
  location.assign(url);
}

everyTab.onmessage = () => forgetAllBut();
leave.onclick = () => (claims(held()).iss === login?.issuer ? endSession() : forgetAllBut());
for (const [name, page] of Object.entries(login?.pages ?? {})) {
  const link = document.createElement("a");
  link.href = page;
  link.textContent = name;
  if (new URL(page).origin === location.origin) link.setAttribute("aria-current", "page");
  links.append(link);
}
ui.getSystem().getStore().subscribe(() => {
  if (held() !== seen) {
    seen = held();
    show();
  }
});
show();
