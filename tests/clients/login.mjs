// openid-client logs somebody in at an ID-porten or Ansattporten, as a municipality's Node program would, and goes on to
// everything that a login can be used for. It verifies the id_token's signature by the published keys.
// In: one JSON object on standard input. Out: one JSON object on standard output.
import { readFileSync } from 'node:fs'
import { importJWK } from 'jose'
import * as client from 'openid-client'

const asked = JSON.parse(readFileSync(0, 'utf8'))

async function authentication() {
  switch (asked.method) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(asked.secret)
    case 'client_secret_post':
      return client.ClientSecretPost(asked.secret)
    case 'private_key_jwt':
      return client.PrivateKeyJwt({ key: await importJWK(asked.jwk, 'RS256'), kid: asked.jwk.kid })
    default:
      return client.None()
  }
}

const config = await client.discovery(new URL(asked.issuer), asked.clientId, undefined, await authentication(), {
  execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
})
if (asked.jarm) client.useJwtResponseMode(config)
const DPoP = asked.dpop ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) : undefined
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const parameters = {
  redirect_uri: asked.redirectUri,
  scope: asked.scope,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
  ...asked.parameters,
}

try {
  const url = asked.par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters)
  const sent = await fetch(url, { redirect: 'manual' })
  const cookie = sent.headers.get('set-cookie').split(';')[0]
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  const answer = await client.authorizationCodeGrant(
    config,
    new URL(sent.headers.get('location')),
    checks,
    undefined,
    { DPoP },
  )
  const claims = answer.claims()
  const told = { parameters: [...url.searchParams.keys()].sort(), answer, claims }
  told.userinfo = await client.fetchUserInfo(config, answer.access_token, claims.sub, { DPoP })
  if (answer.refresh_token) {
    told.renewed = await client.refreshTokenGrant(config, answer.refresh_token, undefined, { DPoP })
    told.shown = await client.tokenIntrospection(config, told.renewed.access_token)
    await client.tokenRevocation(config, told.renewed.refresh_token)
    told.after = await client.tokenIntrospection(config, told.renewed.access_token)
  }
  const out = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: asked.afterLogout,
    id_token_hint: answer.id_token,
    state: 'the end',
  })
  told.loggedOut = (await fetch(out, { redirect: 'manual', headers: { cookie } })).headers.get('location')
  console.log(JSON.stringify(told))
} catch (error) {
  if (error instanceof client.ResponseBodyError) {
    console.log(JSON.stringify({ error: error.error, description: error.error_description, status: error.status }))
  } else if (error instanceof client.AuthorizationResponseError) {
    console.log(JSON.stringify({ error: error.error, description: error.error_description }))
  } else {
    throw error
  }
}
