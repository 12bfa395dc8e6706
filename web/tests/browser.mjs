// SPDX-License-Identifier: Apache-2.0
// Drives the page of a running `ekshume serve` with a real browser, as an analyst would:
//   node web/tests/browser.mjs LINK FOLDER CHROMIUM
// Screenshots go to FOLDER. Ends with 1 and says what was wrong: a step that failed, an error on the
// console, a request to another host, a serious finding of axe.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const [link, folder, executablePath] = process.argv.slice(2)
const origin = new URL(link).origin
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WAIT = 30_000
const WRONG_QUERY = 'verb:('
const problems = []

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })

async function analyst(address, colorScheme) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme })
  context.setDefaultTimeout(WAIT)
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() !== 'error') return
    // The one answer that a step below asks for: of a query that is none.
    if (/ 400 /.test(message.text()) && new URL(message.location().url).searchParams.get('query') === WRONG_QUERY) return
    problems.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:')) problems.push(`request to ${url}`)
  })
  await page.goto(address)
  return page
}

async function checkWithAxe(page, name) {
  // Through the debugger: the page's own policy lets no other script in.
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const one of found.violations) {
    if (one.impact !== 'serious' && one.impact !== 'critical') continue
    problems.push(`axe on ${name}: ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)
  }
}

let step = 'the link opens the page'
try {
  const ana = await analyst(link, 'dark')
  step = 'the verdict is there'
  await ana.getByRole('heading', { name: 'compromised' }).waitFor()
  await ana.getByText('AKIAEXAMPLECI0000002').first().waitFor()

  step = 'the story leads to the exec event'
  const act = ana.locator('.step', { hasText: 'kdevtmpfsi' }).filter({ hasText: 'ran "sh -c' }).first()
  await act.getByRole('link', { name: 'event', exact: true }).click()
  const panel = ana.getByRole('complementary', { name: 'event' })
  await panel.getByText('kdevtmpfsi').first().waitFor()
  assert.match(ana.url(), /\/timeline\?.*event=[0-9a-f-]{36}/)
  const eventId = new URL(ana.url()).searchParams.get('event')
  await panel.getByLabel('raw record').getByText('"kind": "Event"').waitFor()

  step = 'the event is starred, tagged and commented with the keyboard'
  await panel.getByText('What the record says').click()
  await ana.keyboard.press('s')
  await panel.getByRole('button', { name: 'starred' }).waitFor()
  await ana.keyboard.press('t')
  await ana.waitForTimeout(150)
  await ana.keyboard.type('dropper')
  await ana.keyboard.press('Enter')
  await panel.getByText('dropper', { exact: true }).waitFor()
  await ana.keyboard.press('Escape')
  await ana.keyboard.press('c')
  await ana.waitForTimeout(150)
  await ana.keyboard.type('the miner is written here')
  await ana.keyboard.press('Control+Enter')
  await panel.locator('.comment').getByText('the miner is written here').waitFor()

  step = 'another browser sees it, and is seen'
  await ana.getByRole('button', { name: 'New link' }).click()
  await ana.getByLabel('Whose').fill('ben')
  await ana.getByRole('button', { name: 'Make the link' }).click()
  const second = await ana.locator('.new-link').textContent()
  await ana.keyboard.press('Escape')
  const ben = await analyst(second, 'light')
  await ben.getByRole('heading', { name: 'compromised' }).waitFor()
  await ben.goto(`${origin}/timeline?event=${eventId}`)
  const bens = ben.getByRole('complementary', { name: 'event' })
  await bens.getByText('dropper', { exact: true }).waitFor()
  await bens.getByLabel('new tag').fill('seen-by-ben')
  await ben.keyboard.press('Enter')
  await panel.getByText('seen-by-ben', { exact: true }).waitFor()

  step = 'from the story to the container, the dropped file and its bytes'
  await ana.goBack()
  await ana.getByRole('heading', { name: 'compromised' }).waitFor()
  await act.getByRole('link', { name: 'container' }).click()
  await ana.getByRole('heading', { name: 'webshop', exact: true }).waitFor()
  await ana.getByRole('link', { name: '/tmp/.X11-unix/kdevtmpfsi' }).first().click()
  const file = ana.getByRole('complementary', { name: 'file' })
  await file.getByText('7f 45 4c 46').waitFor()
  await file.getByText('09fb2cb2a6ca2d157f3156952dbc61b3674fc9cd90e9fae238e37ce06ddf3e9e').waitFor()
  await file.getByRole('button', { name: 'star', exact: true }).click()
  await file.getByRole('button', { name: 'starred' }).waitFor()
  await file.locator('label', { hasText: 'strings' }).click()
  await file.getByText('stratum+tcp://xmr.example-pool.test:443').first().waitFor()
  await ana.reload()
  await file.getByText('stratum+tcp://xmr.example-pool.test:443').first().waitFor()

  step = 'facets, search, completion and zoom narrow the timeline'
  await ana.goto(`${origin}/timeline`)
  await ana.getByRole('status').getByText(/events$/).waitFor()
  const count = async () => (await ana.locator('[role=status][aria-live]').textContent())?.trim()
  const all = await count()
  await ana.locator('.facet-value', { hasText: 'k8s_audit' }).click()
  await ana.waitForFunction((before) => document.querySelector('[role=status][aria-live]')?.textContent?.trim() !== before, all)
  assert.match(decodeURIComponent(ana.url()), /query=source:"k8s_audit"/)
  await ana.keyboard.press('/')
  await ana.keyboard.type(' AND outc')
  await ana.getByRole('option', { name: /outcome:/ }).waitFor()
  await ana.keyboard.press('Tab')
  await ana.getByRole('option', { name: /failure/ }).waitFor()
  await ana.getByRole('option', { name: /failure/ }).dispatchEvent('mousedown')
  await ana.keyboard.press('Enter')
  await ana.waitForFunction(() => /outcome/.test(decodeURIComponent(location.search)))
  await ana.goBack()
  await ana.waitForFunction(() => !/outcome/.test(decodeURIComponent(location.search)))
  await ana.getByLabel('search', { exact: true }).fill(WRONG_QUERY)
  await ana.keyboard.press('Enter')
  await ana.locator('.query-error').waitFor()

  step = 'rows scroll, and the keys move through them'
  await ana.goto(`${origin}/timeline`)
  await ana.locator('.row[aria-rowindex="1"]').waitFor()
  await ana.locator('.long-list').evaluate((list) => (list.scrollTop = list.scrollHeight))
  await ana.waitForFunction(() => document.querySelectorAll('.long-list .row time').length > 5)
  await ana.locator('.long-list').evaluate((list) => (list.scrollTop = 0))
  await ana.locator('.row[aria-rowindex="1"] time').waitFor()
  await ana.keyboard.press('j')
  await ana.keyboard.press('j')
  await ana.locator('.row.selected[aria-rowindex="2"]').waitFor()

  step = 'a finding is accepted'
  await ana.goto(`${origin}/findings`)
  await ana.locator('.finding').first().waitFor()
  await ana.keyboard.press('j')
  const finding = ana.getByRole('complementary', { name: 'finding' })
  await finding.getByRole('button', { name: 'Accept' }).click()
  await finding.getByText('Decision: accepted').waitFor()

  step = 'the report is written and saved'
  await ana.goto(`${origin}/report`)
  await ana.getByRole('textbox', { name: 'notes' }).fill('# Conclusion\n\nThe access key was misused.')
  await ana.getByRole('button', { name: 'Keep the notes' }).click()
  await ana.getByRole('heading', { name: 'Conclusion' }).waitFor()
  const saved = ana.waitForEvent('download')
  await ana.getByRole('button', { name: 'HTML' }).click()
  const path = await (await saved).path()
  assert.match(readFileSync(path, 'utf8'), /The access key was misused/)

  step = 'every view, in both themes'
  const views = {
    overview: '/',
    timeline: '/timeline?query=source:k8s_audit&from=2026-11-24T21:40:20Z&to=2026-11-24T21:40:45Z',
    event: `/timeline?query=source:k8s_audit&from=2026-11-24T21:40:20Z&to=2026-11-24T21:40:45Z&event=${eventId}`,
    findings: '/findings?level=high',
    containers: '/containers?id=505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca',
    files: '/files?of=container:505ea3fb5f6c6b29fcbf9af0cd36f7626a23e9f5c2b4b91443a23248257ff0ca&file=/tmp/.X11-unix/kdevtmpfsi',
    processes: '/processes',
    graph: '/graph',
    response: '/response',
    custody: '/custody',
    report: '/report',
  }
  for (const [page, theme] of [[ana, 'dark'], [ben, 'light']]) {
    for (const [name, address] of Object.entries(views)) {
      step = `${name} in the ${theme} theme`
      await page.goto(origin + address)
      await page.locator('.main > *').first().waitFor()
      await page.waitForLoadState('domcontentloaded')
      await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=loading]'))
      await page.waitForTimeout(name === 'graph' ? 900 : 250)
      await page.screenshot({ path: `${folder}/${name}-${theme}.png` })
      await checkWithAxe(page, `${name} (${theme})`)
      assert.equal(await page.getByRole('alert').count(), 0, `${name} shows an error`)
      const preview = page.getByRole('region', { name: 'preview' })
      if (name === 'report') assert.ok(await preview.evaluate((box) => box.scrollWidth <= box.clientWidth), 'a table of the report is too wide')
    }
  }
  step = 'the keys are shown'
  await ana.keyboard.press('?')
  await ana.getByRole('dialog', { name: 'Keys' }).waitFor()
} catch (error) {
  problems.push(`${step}: ${error.message}`)
  for (const context of browser.contexts()) {
    for (const page of context.pages()) await page.screenshot({ path: `${folder}/failed-${Date.now()}.png` }).catch(() => undefined)
  }
}
await browser.close()
for (const problem of new Set(problems)) console.error(problem)
process.exit(problems.length > 0 ? 1 : 0)
