// SPDX-License-Identifier: Apache-2.0
// How fast the page of a running `ekshume serve` is in a real browser:
//   node web/tests/measure.mjs LINK CHROMIUM ROUNDS
// Prints JSON: milliseconds, frames a second, MiB. bench/serve makes the case and judges the numbers.
import { readdirSync, readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

const [link, executablePath, rounds] = process.argv.slice(2)
const origin = new URL(link).origin
const WAIT = 30_000

// What the browser's processes hold (proportional set sizes): all together, and the largest renderer, which is the page's.
function memoryMiB(root) {
  const parents = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // Ended meanwhile.
    }
  }
  const within = (pid) => pid === root || (parents.has(pid) && parents.get(pid) > 1 && within(parents.get(pid)))
  const found = { all: 0, page: 0 }
  for (const pid of parents.keys()) {
    if (!within(pid)) continue
    try {
      const size = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
      found.all += size
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) found.page = Math.max(found.page, size)
    } catch {
      // Ended meanwhile.
    }
  }
  return found
}

async function open() {
  const server = await chromium.launchServer({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
  const browser = await chromium.connect(server.wsEndpoint())
  return { server, browser }
}

const found = { browser: '', events: 0, first_screen: [], actions: {}, frames: [] }

// Each in a tab of its own, as somebody who opens the link has one.
const first = await open()
const strangers = await first.browser.newContext({ viewport: { width: 1440, height: 900 } })
for (let round = 0; round < rounds; round += 1) {
  const tab = await strangers.newPage()
  const begun = performance.now()
  await tab.goto(round === 0 ? link : `${origin}/`)
  await tab.locator('.main h1, .main h2').first().waitFor()
  found.first_screen.push(performance.now() - begun)
  await tab.close()
}
const state = await strangers.storageState()
await first.browser.close()
await first.server.close()

const { server, browser } = await open()
found.browser = `Chromium ${browser.version()}`
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState: state })
context.setDefaultTimeout(WAIT)
const page = await context.newPage()
await page.goto('about:blank')
found.empty = memoryMiB(server.process().pid)

// The answers to what is asked now are there and painted: no request runs, and two frames have passed.
let running = 0
page.on('request', (request) => request.url().includes('/events') && (running += 1))
page.on('requestfinished', (request) => request.url().includes('/events') && (running -= 1))
page.on('requestfailed', (request) => request.url().includes('/events') && (running -= 1))
async function shown(query) {
  await page.waitForFunction((wanted) => (new URLSearchParams(location.search).get('query') ?? '') === wanted, query, { polling: 'raf' })
  const painted = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  await painted()
  do {
    while (running > 0) await new Promise((done) => setTimeout(done, 2))
    await painted()
  } while (running > 0)
  await page.waitForFunction(() => document.querySelector('.long-list .row time') || document.querySelector('.empty'), undefined, { polling: 'raf' })
}

async function timed(name, query, act) {
  const begun = performance.now()
  await act()
  await shown(query)
  ;(found.actions[name] ??= []).push(performance.now() - begun)
}

async function searchFor(text) {
  const field = page.getByLabel('search', { exact: true })
  await field.fill(text)
  await field.press('Enter')
}

// What the server reads into memory in the background makes the rest as fast as it gets.
const begun = performance.now()
for (;;) {
  const answer = await context.request.get(`${origin}/api/v1/events/histogram?bars=1`)
  if ((await answer.json()).in_memory) break
  if (performance.now() - begun > 120_000) throw new Error('the events are not in memory after two minutes')
  await new Promise((done) => setTimeout(done, 200))
}
found.in_memory_ms = performance.now() - begun

for (let round = 0; round < rounds; round += 1) {
  // A word of its own in every round: neither the page nor the server has the answer of the last one.
  const other = `NOT region:round-${round}`
  if (round === 0) await page.goto(`${origin}/timeline?query=${encodeURIComponent(other)}`)
  else await searchFor(other)
  await shown(other)
  found.events = Number((await page.getByRole('status').first().textContent()).replace(/\D/g, ''))
  const facet = async (field) => {
    const value = page.getByRole('region', { name: field, exact: true }).locator('.facet-value').first()
    const text = await value.getAttribute('title')
    return { value, query: `${field}:"${text.slice(`only ${field} `.length)}"` }
  }
  for (const field of ['source', 'action', 'outcome', 'source_ip']) {
    const { value, query } = await facet(field)
    await timed(`facet ${field}`, `${other} AND ${query}`, () => value.click())
    await page.goBack()
    await shown(other)
  }
  for (const text of ['source:k8s_audit', 'outcome:failure', 'user_agent:kubectl', 'actor:minikube-user', 'bootstrap-token']) {
    const query = `${text} AND ${other}`
    await timed(`search ${text}`, query, () => searchFor(query))
  }
}

await searchFor('')
await shown('')
await page.locator('.long-list').hover()
for (let round = 0; round < rounds; round += 1) {
  const counted = page.evaluate(
    () =>
      new Promise((done) => {
        const start = performance.now()
        let frames = 0
        const next = (now) => {
          frames += 1
          if (now - start < 3000) requestAnimationFrame(next)
          else done((frames * 1000) / (now - start))
        }
        requestAnimationFrame(next)
      }),
  )
  for (let i = 0; i < 90; i += 1) {
    await page.mouse.wheel(0, 300)
    await new Promise((done) => setTimeout(done, 25))
  }
  found.frames.push(await counted)
}
found.full = memoryMiB(server.process().pid)
console.log(JSON.stringify(found))
await browser.close()
await server.close()
