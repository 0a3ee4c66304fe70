// In a frame of another service's page: every tab of this service forgets its token.
new BroadcastChannel("login").postMessage("logged out");
