// openid-client asks a Maskinporten for a token, as a municipality's Node program would.
// In: one JSON object on standard input. Out: one JSON object on standard output.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { SignJWT, createRemoteJWKSet, importJWK, jwtVerify } from 'jose'
import * as client from 'openid-client'

const { issuer, metadata, clientId, jwk, scope, claims, x5c } = JSON.parse(readFileSync(0, 'utf8'))

const config = await client.discovery(new URL(issuer), clientId, undefined, client.None(), {
  algorithm: metadata,
  execute: [client.allowInsecureRequests],
})
const server = config.serverMetadata()
const now = Math.floor(Date.now() / 1000)
const assertion = await new SignJWT({ scope, aud: server.issuer, iss: clientId, jti: randomUUID(), ...claims })
  .setProtectedHeader({ alg: 'RS256', ...(x5c ? { x5c } : { kid: jwk.kid }) })
  .setIssuedAt(now)
  .setExpirationTime(now + 120)
  .sign(await importJWK(jwk, 'RS256'))

try {
  const answer = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion })
  const keys = createRemoteJWKSet(new URL(server.jwks_uri))
  const { payload, protectedHeader } = await jwtVerify(answer.access_token, keys, { issuer: server.issuer })
  console.log(JSON.stringify({ answer, payload, protectedHeader }))
} catch (error) {
  if (!(error instanceof client.ResponseBodyError)) throw error
  console.log(JSON.stringify({ error: error.error, description: error.error_description, status: error.status }))
}
