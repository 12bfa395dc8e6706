// SPDX-License-Identifier: Apache-2.0
// Looks at files that were written for a browser, in every view of the page:
//   node web/tests/hostile.mjs LINK CHROMIUM [FOLDER] < {"of", "folder", "names", "before"}
// Ends with 1 and says what was wrong: something of a file ran (window.ran), a request to another host,
// an error on the console, a serious finding of axe, a picture that is not drawn.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const [link, executablePath, folder] = process.argv.slice(2)
const { of, folder: directory, names, before } = JSON.parse(readFileSync(0, 'utf8'))
const origin = new URL(link).origin
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const problems = []
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark' })
context.setDefaultTimeout(30_000)
const page = await context.newPage()
let step = 'the link'
page.on('console', (message) => message.type() === 'error' && problems.push(`${step}: console: ${message.text()}`))
page.on('pageerror', (error) => problems.push(`${step}: page: ${error.message}`))
page.on('dialog', (dialog) => problems.push(`${step}: dialog: ${dialog.message()}`))
context.on('page', () => problems.push(`${step}: another page opened`))
page.on('request', (request) => {
  const url = request.url()
  if (!url.startsWith(origin) && !url.startsWith(`blob:${origin}`) && !url.startsWith('data:')) problems.push(`${step}: request to ${url}`)
})

async function checkNothingRan() {
  await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=loading]'))
  assert.equal(await page.evaluate(() => globalThis.ran), undefined, 'something of the file ran')
  assert.equal(page.frames().length, 1, 'a frame of the file')
  assert.ok(page.url().startsWith(origin), page.url())
}

async function checkWithAxe() {
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const one of found.violations) {
    if (one.impact === 'serious' || one.impact === 'critical') problems.push(`axe at ${step}: ${one.id}: ${one.nodes.slice(0, 2).map((node) => node.html.slice(0, 160)).join(' | ')}`)
  }
}

const hrefOf = (values) => `${origin}/files?${new URLSearchParams({ of, ...values })}`
const file = page.getByRole('complementary', { name: 'file' })
const firstPixel = (index) =>
  page.locator('.picture canvas').nth(index).evaluate((canvas) => [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data])

async function waitForPixel(index, expected) {
  await page.waitForFunction(
    ([at, wanted]) => {
      const canvas = document.querySelectorAll('.picture canvas')[at]
      return canvas && String([...canvas.getContext('2d').getImageData(0, 0, 1, 1).data]) === wanted
    },
    [index, String(expected)],
  )
  assert.deepEqual(await firstPixel(index), expected)
}

let looked = 0
try {
  await page.goto(link)
  step = 'the folder'
  await page.goto(hrefOf({ path: directory }))
  await page.getByRole('button', { name: 'x.html', exact: true }).waitFor()
  await checkNothingRan()
  // A mark that turns text around is written out.
  await page.getByRole('button', { name: '\\u{202e}gnp.exe' }).waitFor()
  for (const name of names) {
    for (const view of ['hex', 'text', 'strings', 'image']) {
      for (const version of before.includes(name) ? ['', 'old', 'both'] : ['']) {
        step = `${name} as ${view} ${version}`
        await page.goto(hrefOf({ file: `${directory}/${name}`, view, ...(version ? { version } : {}) }))
        await file.getByText('sha256').waitFor()
        await checkNothingRan()
        looked += 1
      }
    }
  }
  const at = (name, view, version) => page.goto(hrefOf({ file: `${directory}/${name}`, view, ...(version ? { version } : {}) }))

  step = 'pictures are drawn'
  await at('polyglot.png', 'image')
  await waitForPixel(0, [255, 0, 0, 255])
  await at('tail.gif', 'image')
  await file.locator('.picture canvas').waitFor()
  await at('plain.png', 'image', 'both')
  await waitForPixel(0, [0, 0, 255, 255])
  await waitForPixel(1, [255, 0, 0, 255])
  step = 'what is no picture, and what is too large'
  await at('x.svg', 'image')
  await file.getByText(/^no picture/).waitFor()
  await at('bomb.png', 'image')
  await file.getByText(/^too large: 100000 × 100000 pixels/).waitFor()
  await at('cut.png', 'image')
  await file.getByText(/^A damaged picture/).waitFor()

  step = 'lines side by side'
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme })
    await at('lines.sh', 'text', 'both')
    const lines = page.getByRole('region', { name: 'both versions, line by line' })
    await lines.locator('.diff-changed', { hasText: 'old ten' }).getByText('line 10', { exact: true }).waitFor()
    assert.equal(await lines.locator('.diff-added').count(), 2)
    assert.equal(await lines.locator('.diff-removed').count(), 0)
    if (folder) await page.screenshot({ path: `${folder}/compare-text-${colorScheme}.png` })
    await checkWithAxe()
    await at('binary', 'hex', 'both')
    const bytes = page.getByRole('region', { name: 'both versions in hexadecimal' })
    await bytes.locator('tr').first().waitFor()
    await file.getByRole('button', { name: /^The next/ }).click()
    await bytes.locator('mark').first().waitFor()
    await file.getByText('255 bytes of the first 10,240 differ.').waitFor()
    if (folder) {
      await bytes.locator('mark').first().scrollIntoViewIfNeeded()
      await page.screenshot({ path: `${folder}/compare-hex-${colorScheme}.png` })
    }
    await checkWithAxe()
  }
  step = 'the keyboard reaches and scrolls both at once'
  const bytes = page.getByRole('region', { name: 'both versions in hexadecimal' })
  await bytes.focus()
  await bytes.evaluate((element) => (element.scrollTop = 0))
  await page.keyboard.press('PageDown')
  await page.waitForFunction(() => (document.querySelector('.compare')?.scrollTop ?? 0) > 0)

  step = 'it is saved under a name of ours'
  await at('x.html', 'text')
  const plain = page.waitForEvent('download')
  await file.getByRole('button', { name: 'Download' }).click()
  assert.equal((await plain).suggestedFilename(), 'evidence.bin')
  await file.getByRole('button', { name: 'Archive…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Download as an archive' })
  assert.equal(await dialog.getByLabel('Password of the archive').inputValue(), 'infected')
  await checkWithAxe()
  const packed = page.waitForEvent('download')
  await dialog.getByRole('button', { name: 'Download' }).click()
  const zip = await packed
  assert.equal(zip.suggestedFilename(), 'evidence.zip')
  assert.equal(readFileSync(await zip.path()).subarray(0, 4).toString('latin1'), 'PK\u0003\u0004')
  await checkNothingRan()
} catch (error) {
  problems.push(`${step}: ${error.message}`)
  if (folder) await page.screenshot({ path: `${folder}/failed-hostile.png` }).catch(() => undefined)
}
await browser.close()
console.log(`looked at ${looked}`)
for (const problem of new Set(problems)) console.error(problem)
process.exit(problems.length > 0 ? 1 : 0)
