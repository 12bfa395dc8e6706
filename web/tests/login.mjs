// SPDX-License-Identifier: Apache-2.0
// Logs in to a running `ekshume serve` with users, as an analyst would:
//   node web/tests/login.mjs ADDRESS NAME CHROMIUM < password
// Ends with 1 and says what was wrong.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const [address, name, executablePath] = process.argv.slice(2)
const password = readFileSync(0, 'utf8').trim()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const problems = []
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
let step = 'the page opens'
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  // What is refused for want of a session is said on the console too: that is no error of the page.
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && problems.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`))
  await page.goto(`${address}timeline`)

  step = 'a wrong password is refused'
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').getByText('the name or the password is wrong').waitFor()
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const one of found.violations) {
    if (one.impact === 'serious' || one.impact === 'critical') problems.push(`axe: ${one.id}: ${one.nodes[0]?.html}`)
  }

  step = 'the right one opens the view that was asked for'
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Timeline' }).waitFor()
  await page.getByText(`${name} (analyst)`).waitFor()
  if (!page.url().endsWith('/timeline')) problems.push(`not where one was: ${page.url()}`)

  step = 'logging out ends it'
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
} catch (error) {
  problems.push(`${step}: ${error.message}`)
} finally {
  await browser.close()
}
for (const problem of problems) console.log(problem)
process.exit(problems.length > 0 ? 1 : 0)
