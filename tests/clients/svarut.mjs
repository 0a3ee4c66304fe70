// @vtfk/svarut sends letters and asks for them, as a county's Node program would: every call that it has.
// In: one JSON object on standard input. Out: one JSON object on standard output.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { url, username, password, letter, attachment, content, signed, reference, read } = JSON.parse(
  readFileSync(0, 'utf8')
)
const svarut = createRequire(import.meta.url)('@vtfk/svarut')({ url, username, password })

writeFileSync(attachment, content)
letter.dokumenter.push({ filnavn: 'vedlegg.pdf', mimeType: 'application/pdf', filePath: attachment })
const sent = await svarut.sendForsendelse(letter)
const toSign = await svarut.sendForsendelse(signed)
const before = await svarut.getStatus(sent.id)
const setRead = await svarut.setForsendelseLest(sent.id, read)
const wrong = await svarut.sendForsendelse({ ...letter, krevNiva4Innlogging: true })
console.log(
  JSON.stringify({
    sent,
    toSign,
    before,
    setRead,
    wrong,
    status: await svarut.getStatus([sent.id, toSign.id]),
    history: await svarut.getForsendelseHistorikk(sent.id),
    signing: await svarut.getSigneringHistorikk(toSign.id),
    metadata: await svarut.getDokumentMetadata(sent.id),
    types: await svarut.getForsendelseTyper(),
    found: await svarut.getForsendelseEksternref(reference)
  })
)
