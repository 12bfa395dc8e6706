// The views that are loaded together, once the first screen is there.
export { Containers } from './Containers'
export { Custody } from './Custody'
export { Files } from './Files'
export { Findings } from './Findings'
export { Processes } from './Processes'
export { Report } from './Report'
export { Response } from './Response'
export { Timeline } from './Timeline'
