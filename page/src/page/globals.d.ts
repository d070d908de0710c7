/** What build.js puts into the service worker: JSON of files with their digests, and a digest of that. */
declare const __SHELL__: string;
declare const __DIGEST__: string;
