// jose verifies a certificate and its status list, as a buyer's Node program would, and reads the two bits.
// In: one JSON object on standard input. Out: one JSON object on standard output.
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose'

const { token, jwks, jwksUrl, list, issuer } = JSON.parse(readFileSync(0, 'utf8'))
const keys = jwksUrl ? createRemoteJWKSet(new URL(jwksUrl)) : createLocalJWKSet(jwks)
const algorithms = ['ES256']

try {
  const { payload } = await jwtVerify(token, keys, { issuer, algorithms, typ: 'certificate+jwt' })
  const { uri, idx } = payload.status.status_list
  const listed = list ?? (await (await fetch(uri, { headers: { Accept: 'application/statuslist+jwt' } })).text())
  const { payload: statuses } = await jwtVerify(listed, keys, {
    algorithms,
    typ: 'statuslist+jwt',
    subject: uri,
    requiredClaims: ['exp', 'iat'],
  })
  const { bits, lst } = statuses.status_list
  const packed = inflateSync(Buffer.from(lst, 'base64url'), { maxOutputLength: 2 ** 21 })
  const byte = packed[Math.floor((idx * bits) / 8)]
  const status = (byte >> ((idx * bits) % 8)) & (2 ** bits - 1)
  console.log(JSON.stringify({ certificate: payload.certificate, status, exp: payload.exp }))
} catch (error) {
  if (!(error instanceof errors.JOSEError)) throw error
  console.log(JSON.stringify({ error: error.code, claim: error.claim ?? null }))
}
