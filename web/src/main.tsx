import '@mantine/core/styles.css'
import './page.css'
import { createTheme, MantineProvider, Modal } from '@mantine/core'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError } from './api/client'
import { go } from './base/router'
import { Shell } from './views/Shell'

// The server allows the styles that carry this answer's nonce, and no others that stand in the page.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.nonce ?? ''
// What keeps the page from scrolling behind a dialog looks for it here (get-nonce).
;(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce

const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: 9,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: '11.5px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  autoContrast: true,
  components: { Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'close' } } }) },
})

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // A session that ended: the case itself says that one has to log in.
    onError: (error, query) => {
      if (error instanceof ApiError && error.code === 'log_in' && query.queryKey[0] !== 'case') void client.resetQueries({ queryKey: ['case'] })
    },
  }),
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      // What was refused is refused again.
      retry: (count, error) => !(error instanceof ApiError) && count < 2,
    },
  },
})

// Links inside the page change the address without loading it anew.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (!link || link.target || link.hasAttribute('download') || link.origin !== window.location.origin) return
  if (link.pathname.startsWith('/api/')) return
  event.preventDefault()
  go(link.pathname + link.search)
})

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <QueryClientProvider client={client}>
          <Shell />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}
