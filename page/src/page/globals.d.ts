/** What build.js puts into the service worker: a JSON list of files, and a digest of them. */
declare const __SHELL__: string;
declare const __DIGEST__: string;
