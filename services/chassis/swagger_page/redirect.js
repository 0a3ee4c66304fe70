// Where the provider sends the browser back to: hands the code to the page that asked, if it is an answer to what it asked.
const asked = window.opener?.swaggerUIRedirectOauth2;
const told = new URLSearchParams(location.search);

if (asked) {
  const refuse = (message) => asked.errCb({ authId: asked.auth.name, source: "auth", level: "error", message });
  if (told.get("state") !== asked.state || told.get("iss") !== asked.issuer) {
    refuse("This is not the answer to the login that was asked for (state, iss).");
  } else if (told.get("code")) {
    asked.auth.code = told.get("code");
    asked.callback({ auth: asked.auth, redirectUrl: asked.redirectUrl });
  } else {
    refuse([told.get("error"), told.get("error_description")].filter(Boolean).join(": "));
  }
  window.close();
}
