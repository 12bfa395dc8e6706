// SPDX-License-Identifier: Apache-2.0
// Approves, applies and takes back a plan on the page of a running `ekshume serve --allow-response`, with the keyboard, in both themes:
//   node web/tests/response.mjs LINK FOLDER CHROMIUM WORDS
// The plan was made by somebody else than whom LINK is for, has steps that need an approval and one whose words are WORDS.
// Screenshots go to FOLDER. Ends with 1 and says what was wrong.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const [link, folder, executablePath, words] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const problems = []
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
let step = 'the page opens'

async function visitor(address) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`))
  await page.goto(address)
  return page
}

async function look(page, name) {
  for (const theme of ['light', 'dark']) {
    await page.evaluate((one) => document.documentElement.setAttribute('data-mantine-color-scheme', one), theme)
    await page.waitForTimeout(300)
    await page.screenshot({ path: `${folder}/response-${name}-${theme}.png` })
    await page.evaluate(axe)
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
    for (const one of found.violations) {
      if (one.impact === 'serious' || one.impact === 'critical') problems.push(`axe, ${step}, ${theme}: ${one.id}: ${one.nodes[0]?.html}`)
    }
    const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.querySelector('.main').scrollWidth > document.querySelector('.main').clientWidth)
    if (isTooWide) problems.push(`${step}: wider than the window`)
  }
}

const press = async (page, name) => {
  await page.getByRole('button', { name, exact: true }).focus()
  await page.keyboard.press('Enter')
}

try {
  const bob = await visitor(link)
  await bob.getByRole('link', { name: /Response/ }).first().click()
  await bob.getByText('Nobody approved it.').waitFor()

  step = 'the plan is read'
  await bob.getByText('what is asked').first().click()
  await bob.getByText('"resource"').first().waitFor()
  await look(bob, 'plan')

  step = 'what needs an approval is not to be chosen'
  await press(bob, 'Apply…')
  const dialog = bob.getByRole('dialog')
  await dialog.getByText('needs an approval of the plan').first().waitFor()
  assert.ok(await dialog.getByLabel('stop-instance').isDisabled())
  assert.equal(await dialog.getByLabel(words, { exact: true }).count(), 0)
  await bob.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })

  step = 'it is approved'
  await press(bob, 'Approve…')
  await dialog.getByText('You sign off').waitFor()
  await look(bob, 'approve')
  await press(bob, 'Approve')
  await bob.getByText('bob approved it').waitFor()
  await bob.getByText('respond approve: done').waitFor()

  step = 'somebody else applies it'
  await bob.getByRole('button', { name: 'New link' }).click()
  await bob.getByLabel('Whose').fill('carol')
  await bob.getByRole('button', { name: 'Make the link' }).click()
  const carol = await visitor(await bob.locator('.new-link').textContent())
  await carol.getByRole('link', { name: /Response/ }).first().click()
  await carol.getByText('bob approved it').waitFor()
  await press(carol, 'Apply…')
  const hers = carol.getByRole('dialog')
  const apply = hers.getByRole('button', { name: /^Apply \d+ steps$/ })
  assert.ok(await apply.isDisabled(), 'the words are not typed yet')
  await hers.getByLabel(words, { exact: true }).focus()
  await carol.keyboard.type(words.slice(0, -1))
  assert.ok(await apply.isDisabled(), 'half of the words')
  await carol.keyboard.type(words.slice(-1))
  await look(carol, 'apply')
  await apply.focus()
  await carol.keyboard.press('Enter')

  step = 'both see how far it is and how it ended'
  for (const page of [carol, bob]) {
    await page.getByText('respond apply: running').waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor()
    assert.ok(await page.getByRole('button', { name: 'Undo…' }).isDisabled())
  }
  await carol.getByLabel('what it said').getByText('protect-termination: done').waitFor()
  await look(carol, 'running')
  for (const page of [carol, bob]) {
    await page.getByText('respond apply: done').waitFor()
    await page.getByLabel('what it said').getByText('stop-instance: ').waitFor()
  }
  await carol.locator('tr', { hasText: 'stop-instance' }).getByText('done', { exact: true }).waitFor()
  await look(carol, 'applied')

  step = 'it is taken back'
  await press(carol, 'Undo…')
  await look(carol, 'undo')
  await hers.getByRole('button', { name: /^Undo \d+ steps?$/ }).focus()
  await carol.keyboard.press('Enter')
  await carol.getByText('respond undo: done').waitFor()
  await carol.locator('tr', { hasText: 'stop-instance' }).getByText('undone', { exact: true }).waitFor()
  await look(carol, 'undone')

  step = 'it is there after the page was loaded anew'
  await carol.reload()
  await carol.getByText('respond undo: done').waitFor()
} catch (error) {
  problems.push(`${step}: ${error.message}`)
  for (const context of browser.contexts()) {
    for (const page of context.pages()) await page.screenshot({ path: `${folder}/failed-${Date.now()}.png` }).catch(() => undefined)
  }
} finally {
  await browser.close()
}
for (const problem of new Set(problems)) console.log(problem)
process.exit(problems.length > 0 ? 1 : 0)
