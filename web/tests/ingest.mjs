// SPDX-License-Identifier: Apache-2.0
// Adds evidence on the page of a running `ekshume serve`, with the keyboard, in both themes:
//   node web/tests/ingest.mjs LINK FILE CHROMIUM
// FILE is the name of a file in the folder that evidence is chosen from. Ends with 1 and says what was wrong.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const [link, file, executablePath] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const problems = []
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
let step = 'the page opens'
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`))
  const check = async () => {
    for (const theme of ['light', 'dark']) {
      await page.evaluate((name) => document.documentElement.setAttribute('data-mantine-color-scheme', name), theme)
      await page.evaluate(axe)
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
      for (const one of found.violations) {
        if (one.impact === 'serious' || one.impact === 'critical') problems.push(`axe, ${step}, ${theme}: ${one.id}: ${one.nodes[0]?.html}`)
      }
    }
  }
  await page.goto(link)
  await page.getByRole('link', { name: 'Add evidence' }).first().click()

  step = 'a file is chosen with the keyboard, and stays so when the page is loaded anew'
  await page.getByLabel(`add ${file}`).focus()
  await page.keyboard.press('Space')
  await page.getByRole('button', { name: 'Add 1 path' }).waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Add 1 path' }).waitFor()
  await check()

  step = 'it is added, and the page says how it ended'
  await page.getByRole('button', { name: 'Add 1 path' }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('The evidence is in the case', { exact: true }).waitFor()
  await check()

  step = 'its events are there'
  await page.getByRole('link', { name: 'Overview g o' }).click()
  await page.getByRole('region', { name: 'Evidence', exact: true }).getByText(file).first().waitFor()
} catch (error) {
  problems.push(`${step}: ${error.message}`)
} finally {
  await browser.close()
}
for (const problem of problems) console.log(problem)
process.exit(problems.length > 0 ? 1 : 0)
